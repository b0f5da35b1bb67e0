// SPDX-License-Identifier: MIT
// The system starts no thread: now and then, for a while, or never.

#include "child.hpp"
#include "eventually.hpp"
#include "refused_threads.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>

#include <pthread.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

constexpr long never_again = thread_refusals::never_again;

void refuse(long from, long to) {
    new_threads.refuse(from, to);
}

/// In a sanitizer the first call may be its own.
long next_call() {
    return new_threads.calls;
}

const child fails_at_k("fails at call k", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    refuse(next_call() + book.argument - 1, next_call() + book.argument - 1);
    faf::thread_pool pool({.threads = 3, .max_threads = 3, .starvation_after = 0s});
    for (std::size_t id = 0; id < 2000; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
        std::this_thread::sleep_for(10us); // longer than the pause between tries, all in all
    }
    CHECK(pool.drain(patience));
    const faf::stats counters = pool.snapshot();
    book.notes[0] = static_cast<long>(counters.succeeded);
    book.notes[1] = static_cast<long>(counters.accepted);
    book.notes[2] = new_threads.refused.load();
});

TEST_CASE("a thread that can't be started costs no task") {
    for (long k = 1; k <= 4; ++k) {
        CAPTURE(k);
        const outcome end = run(fails_at_k, k);
        check_exit(end);
        CHECK(end->accepted == 2000);
        CHECK(end->ran == 2000);
        CHECK(end->notes[0] == 2000);
        CHECK(end->notes[1] == 2000);
        CHECK(end->notes[2] <= 1);
        // One of the later threads is the keeper, which nobody needs to know of.
        CHECK(end->reports_of(failure::starvation) <= static_cast<std::uint64_t>(end->notes[2]));
        if (k == 1) {
            CHECK(end->reports_of(failure::starvation) == 1);
        }
    }
}

const child no_thread_ever("no thread ever", [](ledger& book) {
    static ledger& shared = book;
    REQUIRE(faf::configure_default_pool({.exit_timeout = 200ms}));
    faf::set_error_sink([](const faf::error_report& report) {
        shared.count(report);
        if (report.kind == failure::starvation) {
            shared.notes[1] += report.exception != nullptr ? 1 : 0;
            shared.notes[1] += report.where.line() != 0 ? 1 : 0;
            shared.notes[1] += report.what.find("it waits for one") != report.what.npos ? 1 : 0;
        }
    });
    refuse(0, never_again);
    for (std::size_t id = 0; id < 1000; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
    book.notes[0] = static_cast<long>(book.ran); // none in the caller
    std::this_thread::sleep_for(30ms);           // beyond the pause, so that it tries again
    for (std::size_t id = 1000; id < 2000; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
});

TEST_CASE("without any thread tasks are kept, reported as starving once, and abandoned at exit") {
    const outcome end = run(no_thread_ever);
    check_exit(end);
    check_leaving(end, 200ms);
    CHECK(end->accepted == 2000);
    CHECK(end->notes[0] == 0);
    CHECK(end->ran == 0);
    CHECK(end->reports_of(failure::starvation) == 1);
    CHECK(end->notes[1] == 3);
    CHECK(end->tasks_reported_as(failure::abandoned) == 2000);
    for (std::size_t id = 0; id < 2000; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child drain_without_threads("drain without threads", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    refuse(0, never_again);
    faf::thread_pool pool({.threads = 2, .max_threads = 2});
    for (std::size_t id = 0; id < 1000; ++id) {
        book.count(fire_and_forget(pool, [&book, id] {
            ++book.tasks[id].ran;
            ++book.ran;
            if (id % 10 == 0) {
                throw std::runtime_error("at last");
            }
        }));
    }
    CHECK_FALSE(pool.drain(50ms));
    CHECK(pool.snapshot().pending == 1000);
    book.notes[0] = static_cast<long>(book.ran);
    refuse(0, -1);
    CHECK(pool.drain(patience));
    const faf::stats counters = pool.snapshot();
    book.notes[1] = static_cast<long>(counters.succeeded);
    book.notes[2] = static_cast<long>(counters.failed);
    book.notes[3] = static_cast<long>(counters.pending + counters.running);
});

TEST_CASE("drain waits for threads until its deadline, and has them run the tasks when they come") {
    const outcome end = run(drain_without_threads);
    check_exit(end);
    CHECK(end->notes[0] == 0);
    CHECK(end->ran == 1000);
    CHECK(end->notes[1] == 900);
    CHECK(end->notes[2] == 100);
    CHECK(end->notes[3] == 0);
    CHECK(end->reports_of(failure::exception) == 100);
    CHECK(end->reports_of(failure::starvation) == 1);
}

const child destruction_without_threads("destruction without threads", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    refuse(0, never_again);
    faf::thread_pool pool({.threads = 2, .max_threads = 2, .exit_timeout = 50ms});
    for (std::size_t id = 0; id < 1000; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
    }
});

TEST_CASE("the destructor of a pool that gets no thread reports its tasks as abandoned") {
    const outcome end = run(destruction_without_threads);
    check_exit(end);
    CHECK(end->ran == 0);
    CHECK(end->reports_of(failure::starvation) == 1);
    CHECK(end->tasks_reported_as(failure::abandoned) == 1000);
    for (std::size_t id = 0; id < 1000; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child recovers("recovers", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    refuse(0, never_again);
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
    refuse(0, -1);
    // The pool tries again when it is next fired at, after a pause.
    std::size_t id = 100;
    CHECK(eventually([&] {
        book.count(fire_and_forget(tracked(book, id++)));
        return book.ran > 100;
    }));
    CHECK(eventually([&] { return book.ran == book.accepted; })); // without a drain
    // A second spell of trouble is a new one, and reported.
    faf::thread_pool second({.threads = 1});
    refuse(0, never_again);
    fire_and_forget(second, [] {});
    refuse(0, -1);
});

TEST_CASE("when threads can be started again, waiting tasks get them") {
    const outcome end = run(recovers);
    check_exit(end);
    CHECK(end->ran == end->accepted);
    CHECK(end->reports_of(failure::starvation) == 2);
}

const child own_thread_refused("own_thread refused", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink([](const faf::error_report& report) {
        shared.count(report);
        shared.notes[0] +=
            report.what.find("no thread could be started") != report.what.npos ? 1 : 0;
        shared.notes[0] += report.where.line() != 0 ? 1 : 0;
    });
    refuse(0, never_again);
    const long before = new_threads.calls;
    for (std::size_t id = 0; id < 100; ++id) {
        const faf::submission answer = fire_and_forget(faf::own_thread, tracked(book, id));
        book.count(answer);
        CHECK(answer.why() == faf::refusal::no_thread);
    }
    book.notes[4] = new_threads.calls - before;
    CHECK(faf::drain(patience));
    const faf::stats counters = faf::snapshot();
    book.notes[1] = static_cast<long>(counters.accepted);
    book.notes[2] = static_cast<long>(counters.succeeded);
    book.notes[3] = static_cast<long>(counters.refused);
});

TEST_CASE("a task that gets no thread of its own is refused, and reported") {
    const outcome end = run(own_thread_refused);
    check_exit(end);
    CHECK(end->refused == 100);
    CHECK(end->ran == 0);
    CHECK(end->reports_of(failure::refused) == 100);
    CHECK(end->notes[0] == 200);
    CHECK(end->notes[1] == 0);
    CHECK(end->notes[2] == 0);
    CHECK(end->notes[3] == 100);
    CHECK(end->notes[4] >= 300); // three tries each
    for (std::size_t id = 0; id < 100; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child waits_for_its_thread("waits for a thread of its own", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    book.count(fire_and_forget(pool, {.after = 1ms}, tracked(book, 0)));
    CHECK(pool.drain(patience)); // there is a keeper
    const long before = new_threads.refused.load();
    refuse(next_call(), never_again);
    book.count(fire_and_forget(faf::own_thread, {.after = 1ms}, tracked(book, 1)));
    book.count(fire_and_forget(pool, [&book]() -> faf::task<> {
        co_await faf::resume_on(faf::own_thread);
        ++book.ran;
    }));
    CHECK(eventually([&] { return new_threads.refused >= before + 6; })); // it goes on trying
    CHECK(book.ran == 1);
    if (book.argument == 1) {
        CHECK_FALSE(faf::shutdown(10ms));
        CHECK(pool.shutdown(patience)); // what it has lost was given up before
        return;
    }
    refuse(0, -1);
    CHECK(eventually([&] { return book.ran == 3; })); // without a drain
    CHECK(faf::drain(patience));
    CHECK(pool.drain(patience));
    CHECK(eventually([&] { return book.reports_of(failure::starvation) > 0; }));
});

TEST_CASE("what has become due waits until there is a thread of its own") {
    const outcome end = run(waits_for_its_thread);
    check_exit(end);
    CHECK(end->ran == 3);
    CHECK(end->reports_of(failure::starvation) == 1);
}

TEST_CASE("what waits for a thread of its own when all is closed is abandoned, and reported") {
    const outcome end = run(waits_for_its_thread, 1);
    check_exit(end);
    CHECK(end->ran == 1);
    CHECK(end->tasks_reported_as(failure::abandoned) == 2);
    CHECK(end->tasks[1].constructed == end->tasks[1].destroyed);
}

const child own_thread_at_third_try("own_thread at third try", [](ledger& book) {
    static std::atomic<std::thread::id> ran_on;
    static std::atomic<std::thread::id> worker;
    REQUIRE(faf::configure_default_pool({.threads = 1}));
    faf::set_error_sink(book.counting_sink());
    fire_and_forget([] { worker = std::this_thread::get_id(); });
    CHECK(faf::drain(patience));
    refuse(next_call(), next_call() + 1);
    book.count(fire_and_forget(faf::own_thread, [&book] {
        ran_on = std::this_thread::get_id();
        ++book.ran;
    }));
    CHECK(faf::drain(patience));
    book.notes[0] = ran_on.load() != worker.load() ? 1 : 0;
});

TEST_CASE("own_thread tries three times before it gives up") {
    const outcome end = run(own_thread_at_third_try);
    check_exit(end);
    CHECK(end->ran == 1);
    CHECK(end->notes[0] == 1);
    CHECK(end->reports_of(failure::starvation) == 0);
}

// Without a keeper --------------------------------------------------------------------------------

const child timers_without_threads("timers without threads", [](ledger& book) {
    static ledger& shared = book;
    REQUIRE(faf::configure_default_pool({.exit_timeout = 200ms}));
    faf::set_error_sink([](const faf::error_report& report) {
        shared.count(report);
        shared.notes[0] +=
            report.what.find("what waits for its time waits for one") != report.what.npos ? 1 : 0;
    });
    refuse(0, never_again);
    for (std::size_t id = 0; id < 100; ++id) {
        const auto after = std::chrono::microseconds(100 * id);
        book.count(fire_and_forget({.after = after}, tracked(book, id)));
        book.count(fire_and_forget({.after = after}, tracked(book, 100 + id)));
    }
    if (book.argument == 1) {
        CHECK_FALSE(faf::drain(50ms));
        CHECK(book.ran == 0);
        refuse(0, -1);
        CHECK(faf::drain(patience));
        book.notes[1] = static_cast<long>(book.ran);
    }
    book.count(fire_and_forget({.after = 1h}, tracked(book, 200)));
});

TEST_CASE("timers of a process that gets no thread fire when it drains and there are threads") {
    const outcome end = run(timers_without_threads, 1);
    check_exit(end);
    check_leaving(end, 5s);
    CHECK(end->accepted == 201);
    CHECK(end->notes[1] == 200);
    CHECK(end->ran == 200);
    CHECK(end->notes[0] == 1);
    CHECK(end->reports_of(failure::starvation) <= 2); // the keeper's, the pool's
    CHECK(end->tasks_reported_as(failure::abandoned) == 1);
}

TEST_CASE("timers of a process that gets no thread are abandoned at exit, and reported") {
    const outcome end = run(timers_without_threads);
    check_exit(end);
    check_leaving(end, 200ms);
    CHECK(end->ran == 0);
    CHECK(end->notes[0] == 1);
    CHECK(end->tasks_reported_as(failure::abandoned) == 201);
    for (std::size_t id = 0; id <= 200; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child keeper_comes_later("keeper comes later", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    refuse(0, never_again);
    book.count(fire_and_forget({.after = 1ms}, tracked(book, 0)));
    refuse(0, -1);
    std::size_t id = 1;
    CHECK(eventually([&] { // it tries again when a timer is fired after a pause
        book.count(fire_and_forget({.after = 1ns}, tracked(book, id++)));
        return book.ran > 1;
    }));
    CHECK(eventually([&] { return book.ran == book.accepted; })); // without a drain
});

TEST_CASE("when the keeper can be started again, timers that wait for it fire") {
    const outcome end = run(keeper_comes_later);
    check_exit(end);
    CHECK(end->ran == end->accepted);
    CHECK(end->reports_of(failure::starvation) == 1);
}

// Growing -----------------------------------------------------------------------------------------

const child can_not_grow("can not grow", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 2, .starvation_after = 0s});
    static std::atomic<bool> may_end{false};
    static std::atomic<int> blocked{0};
    for (int i = 0; i < 2; ++i) {
        fire_and_forget(pool, [] {
            ++blocked;
            may_end.wait(false);
        });
    }
    CHECK(eventually([] { return blocked == 2; }));
    const long before = new_threads.refused.load();
    refuse(next_call(), never_again);
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
    }
    CHECK(eventually(
        [&] { return new_threads.refused > before + 1; })); // it goes on trying, with pauses
    book.notes[0] = static_cast<long>(book.ran);
    if (book.argument == 1) {
        refuse(0, -1);
        CHECK(eventually([&] { return book.ran == 100; })); // by one that was hired at last
        CHECK(blocked == 2);
    }
    may_end = true;
    may_end.notify_all();
    CHECK(pool.drain(patience));
    // By then there was a thread that could make it: this one, if there was no other.
    CHECK(eventually([&] { return book.reports_of(failure::starvation) > 0; }));
    book.notes[1] = static_cast<long>(book.reports_of(failure::starvation));
});

TEST_CASE(
    "a pool that can't grow says so once, and its tasks run when the blocked ones are through") {
    const outcome end = run(can_not_grow);
    check_exit(end);
    CHECK(end->accepted == 100);
    CHECK(end->notes[0] == 0);
    CHECK(end->notes[1] == 1);
    CHECK(end->ran == 100);
}

TEST_CASE("a pool that could not grow does when there are threads again") {
    const outcome end = run(can_not_grow, 1);
    check_exit(end);
    CHECK(end->notes[1] == 1);
    CHECK(end->ran == 100);
}

#if !(defined(_LIBCPP_VERSION) && defined(__linux__)) // see thread_ended_by_task.cpp

const child lost_without_replacement("lost without replacement", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    std::atomic<bool> may_go{false};
    fire_and_forget(pool, [&] {
        may_go.wait(false);
        refuse(0, never_again);
        pthread_exit(nullptr);
    });
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
    }
    may_go = true;
    may_go.notify_all();
    CHECK_FALSE(pool.drain(50ms));
    refuse(0, -1);
    CHECK(pool.drain(patience));
});

TEST_CASE("tasks behind a lost worker that can't be replaced wait until it can") {
    const outcome end = run(lost_without_replacement);
    check_exit(end);
    CHECK(end->ran == 100);
    CHECK(end->reports_of(failure::worker_lost) == 1);
    CHECK(end->reports_of(failure::starvation) == 1);
}

const child own_lost_before_another("own thread lost before another", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::limit_own_threads(1);
    faf::thread_pool pool({.threads = 1});
    std::atomic<bool> may_go{false};
    fire_and_forget(faf::own_thread, [&] {
        may_go.wait(false);
        if (book.argument == 1) {
            refuse(0, never_again);
        }
        pthread_exit(nullptr);
    });
    fire_and_forget(faf::own_thread, {.after = 1ms}, [&book] { ++book.ran; });
    std::atomic<bool> is_due{false};
    fire_and_forget(pool, {.after = 2ms}, [&] { is_due = true; });
    CHECK(eventually([&] { return is_due.load(); }));
    CHECK(book.ran == 0);
    constexpr auto keeper_sleeps = 200ms; // by then nothing has it come by but who asks for that
    std::this_thread::sleep_for(keeper_sleeps);
    may_go = true;
    may_go.notify_all();
    if (book.argument == 1) {
        CHECK(eventually([&] { return book.reports_of(failure::starvation) == 1; }));
        std::this_thread::sleep_for(keeper_sleeps);
        refuse(0, -1);
    }
    CHECK(eventually([&] { return book.ran == 1; })); // without a drain
    CHECK(pool.drain(patience));
});

TEST_CASE("what waits for a thread of its own gets one when a task has ended the last by force") {
    for (const long is_refused : {0, 1}) {
        CAPTURE(is_refused);
        const outcome end = run(own_lost_before_another, is_refused);
        check_exit(end);
        CHECK(end->ran == 1);
        CHECK(end->reports_of(failure::worker_lost) == 1);
    }
}

#endif

const child closes_meanwhile("closes while a thread is being started", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    fire_and_forget([] {}); // a worker for the rest
    CHECK(faf::drain(patience));
    std::thread closer([] {
        CHECK(eventually([] { return faf::snapshot().running == 1; }));
        CHECK_FALSE(faf::shutdown(0s));
        new_threads.take_time = false;
    });
    new_threads.take_time = true;
    refuse(next_call(), never_again);
    book.count(fire_and_forget(faf::own_thread, tracked(book, 0)));
    closer.join();
    const faf::stats counters = faf::snapshot();
    CHECK(counters.running == 0);
    CHECK(counters.dropped == 1);
    CHECK(counters.accepted == 2);
});

TEST_CASE("a task whose thread can't be started while all is closed has one fate") {
    const outcome end = run(closes_meanwhile);
    check_exit(end);
    CHECK(end->accepted == 1);
    CHECK(end->ran == 0);
    CHECK(end->tasks_reported_as(failure::abandoned) == 1);
    CHECK(end->tasks_reported_as(failure::refused) == 0);
}

} // namespace
