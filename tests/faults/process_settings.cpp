// SPDX-License-Identifier: MIT
// What a process may set before the default pool comes to life: options, processors, signals.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/detail/platform/cpu_count.hpp>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

/// Keeps all threads busy and notes how many the default pool has when it is quiet again: those
/// that were hired for blocked ones are gone then, which are more than `most`.
void note_threads(ledger& book, std::size_t most) {
    for (int i = 0; i < 20; ++i) {
        fire_and_forget([] { std::this_thread::sleep_for(20ms); });
    }
    CHECK(faf::drain(patience));
    CHECK(eventually([=] { return faf::snapshot().threads <= most; }));
    book.notes[0] = static_cast<long>(faf::snapshot().threads);
}

const child configured("configured", [](ledger& book) {
    static ledger& shared = book;
    CHECK(faf::configure_default_pool({.threads = 2, .max_threads = 2}));
    CHECK(faf::configure_default_pool(
        {.threads = 3, .max_threads = 3, .name = "mine", .on_error = book.counting_sink()}));
    note_threads(book, 3);
    fire_and_forget([] {
        std::array<char, 16> name{};
        pthread_getname_np(pthread_self(), name.data(), name.size());
        shared.notes[1] = std::string_view(name.data()).substr(0, 5) == "mine/" ? 1 : 0;
        throw 1;
    });
    CHECK_FALSE(faf::configure_default_pool({.threads = 5, .max_threads = 5}));
    book.notes[2] = static_cast<long>(faf::snapshot().threads);
});

TEST_CASE("the default pool is set up by the last configuration before its first use") {
    const outcome end = run(configured);
    check_exit(end);
    CHECK(end->notes[0] == 3);
    CHECK(end->notes[1] == 1);
    CHECK(end->notes[2] == 3);
    CHECK(end->reports_of(failure::exception) == 1);
    CHECK(end.errors.empty());
}

const child configured_too_late("configured too late", [](ledger& book) {
    faf::snapshot();
    CHECK_FALSE(faf::configure_default_pool({.threads = 7, .max_threads = 7}));
    note_threads(book, faf::detail::usable_cpus());
    book.notes[1] = static_cast<long>(faf::detail::usable_cpus());
});

TEST_CASE("a configuration after the first use is refused and changes nothing") {
    const outcome end = run(configured_too_late);
    check_exit(end);
    CHECK(end->notes[0] == end->notes[1]);
}

const child one_processor("one processor", [](ledger& book) {
    cpu_set_t allowed;
    REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &allowed)) {
        ++first;
    }
    CPU_ZERO(&allowed);
    CPU_SET(first, &allowed);
    REQUIRE(sched_setaffinity(0, sizeof allowed, &allowed) == 0);
    note_threads(book, 1);
    for (std::size_t id = 0; id < 10'000; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
});

TEST_CASE("a process that may use one processor gets one worker, and all tasks run") {
    const outcome end = run(one_processor);
    check_exit(end);
    CHECK(end->notes[0] == 1);
    CHECK(end->ran == 10'000);
}

std::atomic<long> handled_elsewhere{0};
std::atomic<long> handled{0};
pthread_t main_thread;

void handle(int) {
    ++handled;
    if (!pthread_equal(pthread_self(), main_thread)) {
        ++handled_elsewhere;
    }
}

const child signalled("signalled", [](ledger& book) {
    main_thread = pthread_self();
    struct sigaction action {};
    action.sa_handler = handle;
    for (const int number : {SIGUSR1, SIGALRM, SIGTERM, SIGHUP, SIGCHLD}) {
        REQUIRE(sigaction(number, &action, nullptr) == 0);
    }
    faf::thread_pool pool({.threads = 2, .max_threads = 2});
    std::atomic<bool> may_end{false};
    const auto be_busy = [&] {
        while (!may_end) {
            std::this_thread::sleep_for(100us);
        }
    };
    fire_and_forget(pool, be_busy);
    fire_and_forget(be_busy);
    fire_and_forget(faf::own_thread, be_busy);
    CHECK(eventually([&] { return pool.snapshot().running == 1 && faf::snapshot().running == 2; }));

    // While main takes no signal the workers are the only ones that could.
    sigset_t all;
    sigfillset(&all);
    for (int round = 0; round < 200; ++round) {
        sigset_t before;
        pthread_sigmask(SIG_BLOCK, &all, &before);
        for (const int number : {SIGUSR1, SIGALRM, SIGTERM, SIGHUP, SIGCHLD}) {
            kill(getpid(), number);
        }
        std::this_thread::yield();
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    book.notes[0] = handled_elsewhere.load();
    book.notes[1] = handled.load();
    // The firing thread's own mask is as it was.
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    book.notes[2] = sigismember(&mask, SIGUSR1);
    may_end = true;
    CHECK(pool.drain(patience)); // before may_end goes
    CHECK(faf::drain(patience));
});

TEST_CASE("a signal sent to the process is never handled on a worker") {
    const outcome end = run(signalled);
    check_exit(end);
    CHECK(end->notes[0] == 0);
    CHECK(end->notes[1] >= 5);
    CHECK(end->notes[2] == 0);
}

const child crashes("crashes", [](ledger&) {
    fire_and_forget([] { std::raise(SIGSEGV); });
    std::this_thread::sleep_for(1h);
});

TEST_CASE("a crash in a task ends the process as it would anywhere else") {
    if (is_sanitized) { // a sanitizer makes an exit code of it
        return;
    }
    const outcome end = run(crashes);
    CHECK_FALSE(end.timed_out);
    CHECK(end.signal == SIGSEGV);
}

const child drained_inside("drained inside", [](ledger& book) {
    // An own_thread task runs until the calls under test are over: waiting for it would never end.
    static std::atomic<bool> may_end{false}; // outlives main
    fire_and_forget(faf::own_thread, [&] { may_end.wait(false); });
    const auto ask = [&](long first) {
        book.notes[static_cast<std::size_t>(first)] = faf::drain(1h) ? 2 : 1;
        book.notes[static_cast<std::size_t>(first + 1)] = faf::shutdown(1h) ? 2 : 1;
        may_end = true;
        may_end.notify_all();
    };
    fire_and_forget(ask, 0);
    CHECK(eventually([&] { return may_end.load(); }));
});

TEST_CASE("drain and shutdown from a task of the default pool answer false at once") {
    const outcome end = run(drained_inside);
    check_exit(end);
    CHECK(end->notes[0] == 1);
    CHECK(end->notes[1] == 1);
}

const child drained_inside_own("drained inside own_thread", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.threads = 1}));
    faf::set_error_sink(book.counting_sink());
    static std::atomic<bool> may_end{false}; // outlives main
    fire_and_forget([&] { may_end.wait(false); });
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
    fire_and_forget(faf::own_thread, [&] {
        if (book.argument == 0) {
            book.notes[0] = faf::drain(1h) ? 2 : 1;
        } else {
            book.notes[0] = faf::shutdown(0s) ? 2 : 1;
        }
        may_end = true;
        may_end.notify_all();
    });
    CHECK(eventually([&] { return may_end.load(); }));
    CHECK(eventually([&] { return book.ran == 100; }));
});

TEST_CASE("drain and shutdown from an own_thread task answer false at once, and the queue runs") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        const outcome end = run(drained_inside_own, way);
        check_exit(end);
        CHECK(end->notes[0] == 1);
        CHECK(end->ran == 100);
        CHECK(end->tasks_reported_as(failure::abandoned) == 0);
    }
}

} // namespace
