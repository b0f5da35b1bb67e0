// SPDX-License-Identifier: MIT
// Ends that run no exit step: quick_exit, _Exit, abort, and SIGTERM's default. What the library
// holds is lost then, by the program's own choice; it neither holds up the end nor changes it.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

enum way : long { quick, at_once, aborted, terminated, ways };

[[noreturn]] void end(ledger& book, long how) {
    book.leave();
    switch (how) {
    case quick:
        std::quick_exit(3);
    case at_once:
        std::_Exit(3);
    case aborted:
        std::abort();
    default:
        kill(getpid(), SIGTERM);
        for (;;) { // whichever thread takes it
            std::this_thread::sleep_for(1h);
        }
    }
}

/// Every executor has a task that runs, others that wait, and some that wait for their time.
void keep_busy(faf::thread_pool& pool, ledger& book) {
    static std::atomic<int> begun{0};
    const auto endless = [] {
        ++begun;
        for (;;) {
            std::this_thread::sleep_for(1h);
        }
    };
    fire_and_forget(pool, endless);
    fire_and_forget(endless);
    fire_and_forget(faf::own_thread, endless);
    CHECK(eventually([] { return begun == 3; }));
    for (std::size_t id = 0; id < 100; ++id) {
        fire_and_forget(pool, tracked(book, id));
        fire_and_forget({.after = 1h}, tracked(book, 100 + id));
        fire_and_forget([]() -> faf::task<> { co_await faf::sleep_for(1h); });
    }
}

void forbid_core_files() {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

const child from_main("ends at once, from main", [](ledger& book) {
    forbid_core_files();
    static faf::thread_pool pool({.threads = 1});
    std::at_quick_exit([] { child::own_ledger()->notes[0] = 1; });
    keep_busy(pool, book);
    end(book, book.argument);
});

const child from_a_task("ends at once, from a task", [](ledger& book) {
    forbid_core_files();
    static faf::thread_pool pool({.threads = 1});
    std::at_quick_exit([] { child::own_ledger()->notes[0] = 1; });
    keep_busy(pool, book);
    fire_and_forget(faf::own_thread, [&book] { end(book, book.argument); });
    for (;;) {
        std::this_thread::sleep_for(1h);
    }
});

void check_end(const child& part, long how) {
    CAPTURE(how);
    const outcome end = run(part, how);
    INFO(end.errors << end.output);
    CHECK_FALSE(end.timed_out);
    check_leaving(end, 0s);
    CHECK(end.exit_code == (how == quick || how == at_once ? 3 : -1));
    CHECK(end.signal == (how == aborted ? SIGABRT : how == terminated ? SIGTERM : 0));
    CHECK(end->notes[0] == (how == quick ? 1 : 0));
    CHECK(end.lines_with("[fire_and_forget]") == 0);
}

TEST_CASE("quick_exit, _Exit, abort and SIGTERM end the process at once, with executors busy") {
    for (long how = 0; how < ways; ++how) {
        check_end(from_main, how);
    }
}

TEST_CASE("quick_exit, _Exit, abort and SIGTERM from a task end the process at once") {
    for (long how = 0; how < ways; ++how) {
        check_end(from_a_task, how);
    }
}

} // namespace
