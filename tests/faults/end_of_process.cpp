// SPDX-License-Identifier: MIT
// The end of a process that is not the usual one: a forked child's, one after which sinks are gone,
// one with pools of different deadlines.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <cstdlib>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

const child forks("forks with all executors in use", [](ledger& book) {
    static faf::thread_pool of_the_program({.threads = 1});
    fire_and_forget(of_the_program, [] {});
    fire_and_forget([] {});
    fire_and_forget(faf::own_thread, [] {});
    CHECK(faf::drain(patience));
    CHECK(of_the_program.drain(patience));
    const pid_t forked = fork();
    if (forked == 0) {
        std::exit(7); // runs the atexit handlers and the pool's destructor
    }
    int status = 0;
    CHECK(waitpid(forked, &status, 0) == forked);
    book.notes[0] = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
});

TEST_CASE("a forked child that exits does not wait for its parent's threads") {
#if defined(FIRE_AND_FORGET_HAS_ASAN)
    WARN("left out: what only the parent's threads know is a leak in the child");
    return;
#endif
    const outcome end = run(forks);
    check_exit(end);
    CHECK(end->notes[0] == 7);
}

/// Fires a task that is refused when main is long over.
struct fires_late {
    ~fires_late() {
        if (child::is_running("a sink of the default pool")) {
            fire_and_forget([] {});
        }
    }
};
const fires_late made_before_the_pool;

const child pool_sink("a sink of the default pool", [](ledger& book) {
    CHECK(faf::configure_default_pool({.on_error = [&book](const faf::error_report& report) {
        ++book.notes[report.kind == failure::refused ? 1 : 0];
    }}));
    fire_and_forget([] { throw 1; });
    CHECK(faf::drain(patience));
});

TEST_CASE("the default pool's sink is not called after exit, when what it refers to may be gone") {
    const outcome end = run(pool_sink);
    check_exit(end);
    CHECK(end->notes[0] == 1);
    CHECK(end->notes[1] == 0);
    CHECK(end.lines_with("was refused") == 1);
}

const child two_deadlines("two deadlines", [](ledger& book) {
    static std::atomic<bool> may_end{false};
    static faf::thread_pool hasty(
        {.threads = 1, .exit_timeout = 50ms, .on_error = [&book](const faf::error_report& report) {
             book.notes[0] += 1 + static_cast<long>(report.suppressed);
         }});
    static const faf::error_sink own = [&book](const faf::error_report&) { ++book.notes[1]; };
    fire_and_forget(hasty, [] {
        while (!may_end) {
            std::this_thread::sleep_for(1ms);
        }
    });
    CHECK(eventually([] { return hasty.snapshot().running == 1; }));
    for (int i = 0; i < 10; ++i) {
        fire_and_forget(hasty, {.on_error = own}, [] {});
    }
    fire_and_forget([] { std::this_thread::sleep_for(1s); }); // the exit lasts longer than hasty's
});

TEST_CASE("sinks are asked about what a pool abandons at exit, however long another pool takes") {
    const outcome end = run(two_deadlines);
    check_exit(end);
    CHECK(end->notes[0] == 1);  // the one that runs
    CHECK(end->notes[1] == 10); // those that are queued
    CHECK(end.lines_with("was abandoned") == 0);
}

} // namespace
