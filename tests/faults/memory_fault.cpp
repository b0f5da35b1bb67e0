// SPDX-License-Identifier: MIT
// Memory runs out: at every allocation of a call in turn, and for good, on the calling thread only.
// nth_failure.cpp has the same for all threads together.

#include "child.hpp"
#include "eventually.hpp"
#include "failing_memory.hpp"

#include <fire_and_forget/latency_histograms.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/trace.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <latch>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::refusal;

const std::string long_text(1000, 'x');

/// What a call is given besides the callable; each copy allocates.
struct baggage {
    std::string text = long_text;
    std::shared_ptr<int> shared = std::make_shared<int>(7);
};

void carry(const tracked& task, const baggage& given) {
    if (given.text == long_text && *given.shared == 7) {
        task();
    }
}

constexpr long ways_to_fire = 9;
constexpr long at_foreign = 5;
constexpr long first_delayed = 6;

/// The calls under test. `pool` has a worker, the default pool has not been used yet.
faf::submission fire(long way, faf::thread_pool& pool, const tracked& task, const baggage& load,
                     const faf::options& how) {
    const auto on_the_spot = [](faf::job job) { job(); };
    switch (way) {
    case 0:
        return fire_and_forget(carry, task, load);
    case 1:
        return fire_and_forget(pool, carry, task, load);
    case 2:
        return fire_and_forget(faf::own_thread, carry, task, load);
    case 3:
        return fire_and_forget(how, carry, task, load);
    case 4:
    case first_delayed:
        return fire_and_forget(pool, how, carry, task, load);
    case at_foreign:
        return fire_and_forget(on_the_spot, how, carry, task, load);
    case first_delayed + 1:
        return fire_and_forget(how, carry, task, load);
    default:
        return fire_and_forget(faf::own_thread, how, carry, task, load);
    }
}

const child nth_allocation("the n-th allocation fails", [](ledger& book) {
    const long way = book.argument / 1000;
    const long n = book.argument % 1000;
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, [] {});
    CHECK(pool.drain(patience));

    {
        const tracked task(book, 0);
        const baggage given;
        const std::array<char, 100> too_big_for_the_small_buffer{};
        const faf::detail::stop_source source = faf::detail::make_stop_source();
        const bool is_delayed = way >= first_delayed;
        const faf::options how{
            .name = "heavy",
            .after = is_delayed ? 1ms : 0ms,
            .stop = is_delayed ? source.get_token() : faf::detail::stop_token(),
            .on_error = [&book, too_big_for_the_small_buffer](const faf::error_report& report) {
                book.count(report);
                book.notes[3] += too_big_for_the_small_buffer[0];
            }};
        faf::submission answer;
        {
            const out_of_memory now(shortage::once, n);
            answer = fire(way, pool, task, given, how);
            book.notes[0] = now.failed();
        }
        book.count(answer);
        book.notes[1] = static_cast<long>(answer.why());
        CHECK(given.text == long_text); // lvalue arguments are left alone
        CHECK(given.shared.use_count() <= 2);
        // Whatever happened, the executor is as good as before.
        book.count(fire(way, pool, tracked(book, 1), given, how));
    }
    CHECK(pool.drain(patience));
    CHECK(faf::drain(patience));
    faf::stats all = faf::snapshot();
    all += pool.snapshot();
    book.notes[2] = static_cast<long>(all.refused);
});

TEST_CASE("an allocation that fails in a call refuses it or does no harm, and leaks nothing") {
    for (long way = 0; way < ways_to_fire; ++way) {
        long n = 0;
        long refused = 0;
        for (; n < 100; ++n) {
            CAPTURE(way, n);
            const outcome end = run(nth_allocation, way * 1000 + n);
            check_exit(end);
            CHECK(end->accepted + end->refused == 2);
            CHECK(end->ran == end->accepted);
            CHECK(end->tasks[1].ran == 1);
            CHECK(end->reports_of(failure::refused) == end->refused);
            if (end->refused == 1) {
                ++refused;
                CHECK(end->notes[1] == static_cast<long>(refusal::out_of_memory));
                if (way != at_foreign) { // that one does not count
                    CHECK(end->notes[2] == 1);
                }
            }
            for (const std::size_t id : {0U, 1U}) {
                CHECK(end->tasks[id].constructed == end->tasks[id].destroyed);
            }
            if (end->notes[0] == 0) { // the call has no n-th allocation: this was all
                CHECK(end->refused == 0);
                break;
            }
        }
        CHECK(n >= 2);
        CHECK(n < 100);
        CHECK(refused >= 2); // the task and the string in it, at least
    }
}

const child for_good("memory is out for good", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, [] {});
    CHECK(pool.drain(patience));
    {
        const out_of_memory now(shortage::lasting);
        for (std::size_t id = 0; id < 10'000; ++id) {
            // Too large for a slot, where it would need no memory.
            const faf::submission answer = fire_and_forget(
                pool, [task = tracked(book, id), large = std::array<char, 64>{}]() mutable {
                    static_cast<void>(large);
                    task();
                });
            book.count(answer);
            book.notes[0] += answer.why() == refusal::out_of_memory ? 1 : 0;
        }
    }
    book.notes[1] = static_cast<long>(pool.snapshot().refused);
    book.count(fire_and_forget(pool, tracked(book, 10'000)));
});

TEST_CASE("ten thousand calls without memory are ten thousand refusals, counted and reported") {
    const outcome end = run(for_good);
    check_exit(end);
    CHECK(end->refused == 10'000);
    CHECK(end->notes[0] == 10'000);
    CHECK(end->notes[1] == 10'000);
    CHECK(end->tasks_reported_as(failure::refused) == 10'000);
    CHECK(end->accepted == 1);
    CHECK(end->ran == 1);
    for (std::size_t id = 0; id <= 10'000; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

/// Fires at a pool with `observer`, once for each allocation of the call, which fails.
void fire_while_observed(ledger& book, faf::task_observer& observer) {
    faf::thread_pool pool({.threads = 1, .observer = &observer});
    bool has_failed = true;
    for (std::size_t id = 0; has_failed; ++id) {
        const tracked task(book, id);
        const out_of_memory now(shortage::once, static_cast<long>(id));
        book.count(fire_and_forget(pool, task));
        has_failed = now.failed() > 0;
    }
    CHECK(pool.drain(patience));
}

const child observed("observers without memory", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::trace_recorder trace;
    faf::latency_histograms histograms;
    fire_while_observed(book,
                        book.argument == 0 ? static_cast<faf::task_observer&>(trace) : histograms);
});

TEST_CASE("a task runs of which a trace or a histogram finds no memory to hear") {
    for (const long which : {0, 1}) {
        CAPTURE(which);
        const outcome end = run(observed, which);
        check_exit(end);
        CHECK(end->reports_of(failure::hook_failed) > 0);
        CHECK(end->tasks_reported_as(failure::refused) == end->refused);
        CHECK(end->ran == end->accepted);
    }
}

constexpr long ways_to_take_a_place = 4;

/// Calls that take a place in a full pool before they ask for memory.
faf::submission fire_at_limited(long way, faf::thread_pool& pool, const tracked& task,
                                const baggage& load, const faf::options& delayed) {
    switch (way) {
    case 0:
        return fire_and_forget(pool, task);
    case 1:
        return fire_and_forget(pool, carry, task, load);
    case 2:
        return fire_and_forget(pool, {.name = "with options"}, task);
    default:
        return fire_and_forget(pool, delayed, task);
    }
}

const child place_given_back("the place of a task that finds no memory", [](ledger& book) {
    const long way = book.argument / 1000;
    const long n = book.argument % 1000;
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1, .max_pending = 1});
    const baggage given;
    const faf::detail::stop_source source = faf::detail::make_stop_source();
    const faf::options delayed{.after = 1ms, .stop = source.get_token()};
    {
        const tracked task(book, 0);
        const out_of_memory now(shortage::lasting, n); // the thread has no lane there yet
        book.count(fire_at_limited(way, pool, task, given, delayed));
        book.notes[0] = now.failed();
    }
    CHECK(pool.drain(patience));
    for (std::size_t id = 1; id <= 3; ++id) {
        book.count(fire_at_limited(way, pool, tracked(book, id), given, delayed));
        CHECK(pool.drain(patience));
    }
});

TEST_CASE("a task that finds no memory gives its place in a full pool back") {
    for (long way = 0; way < ways_to_take_a_place; ++way) {
        long n = 0;
        for (; n < 50; ++n) {
            CAPTURE(way, n);
            const outcome end = run(place_given_back, way * 1000 + n);
            check_exit(end);
            CHECK(end->refused <= (end->notes[0] > 0 ? 1U : 0U));
            CHECK(end->tasks[1].ran + end->tasks[2].ran + end->tasks[3].ran == 3);
            if (end->notes[0] == 0) {
                break;
            }
        }
        CHECK(n >= 1);
        CHECK(n < 50);
    }
}

const child place_given_back_when_due("the place of a delayed task", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::limit_own_threads(1);
    book.count(fire_and_forget(faf::own_thread, {.after = 20ms}, tracked(book, 0)));
    memory_of_all.begin(shortage::once, book.argument);
    CHECK(faf::drain(patience));
    memory_of_all.end();
    book.notes[0] = memory_of_all.failed.load();
    for (std::size_t id = 1; id <= 3; ++id) {
        book.count(fire_and_forget(faf::own_thread, {.after = 1ns}, tracked(book, id)));
        CHECK(faf::drain(patience));
    }
});

TEST_CASE("a delayed task that finds no memory when it is due gives its place back") {
    long n = 0;
    for (; n < 50; ++n) {
        CAPTURE(n);
        const outcome end = run(place_given_back_when_due, n);
        check_exit(end);
        CHECK(end->accepted == 4);
        CHECK(end->tasks[0].ran == 1);
        CHECK(end->tasks[1].ran + end->tasks[2].ran + end->tasks[3].ran == 3);
        if (end->notes[0] == 0) {
            break;
        }
    }
    CHECK(n >= 1);
    CHECK(n < 50);
}

/// Fires `many` at a serial executor whose turn can't begin yet, short of memory once.
template <class Fire>
void fire_short_of_memory(ledger& book, std::size_t many, Fire fire) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    faf::serial_executor serial(pool);
    std::latch may_go_on(1);
    fire_and_forget(pool, [&] { may_go_on.wait(); });
    {
        const out_of_memory now(shortage::once, book.argument);
        for (std::size_t id = 0; id < many; ++id) {
            book.count(fire(serial, id));
        }
        book.notes[0] = now.failed();
    }
    may_go_on.count_down();
    CHECK(pool.drain(patience));
    book.notes[1] = static_cast<long>(pool.snapshot().refused);
}

const child plain_without_memory("what is plain and waits in a serial executor", [](ledger& book) {
    fire_short_of_memory(book, 40, [&](faf::serial_executor& serial, std::size_t id) {
        return fire_and_forget(serial, [&book, id] { book.notes[2] += id < 40 ? 1 : 0; });
    });
});

TEST_CASE("a serial executor refuses plain tasks that it has no memory for, and runs the rest") {
    long n = 0;
    for (; n < 50; ++n) {
        CAPTURE(n);
        const outcome end = run(plain_without_memory, n);
        check_exit(end);
        CHECK(static_cast<long>(end->refused) == end->notes[0]);
        CHECK(end->notes[1] == end->notes[0]);
        CHECK(end->notes[2] == 40 - end->notes[0]);
        if (end->notes[0] == 0) {
            break;
        }
    }
    CHECK(n >= 2); // pieces of memory
    CHECK(n < 10); // for many tasks each
}

const child waiting_without_memory("what waits in a serial executor", [](ledger& book) {
    fire_short_of_memory(book, 10, [&](faf::serial_executor& serial, std::size_t id) {
        return fire_and_forget(serial, tracked(book, id));
    });
});

TEST_CASE("a serial executor refuses what it has no memory for, and runs the rest") {
    long n = 0;
    for (; n < 50; ++n) {
        CAPTURE(n);
        const outcome end = run(waiting_without_memory, n);
        check_exit(end);
        CHECK(static_cast<long>(end->refused) == end->notes[0]);
        CHECK(end->notes[1] == end->notes[0]);
        CHECK(static_cast<long>(end->ran) == 10 - end->notes[0]);
        CHECK(static_cast<long>(end->tasks_reported_as(failure::refused)) == end->notes[0]);
        for (std::size_t id = 0; id < 10; ++id) {
            REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
        }
        if (end->notes[0] == 0) {
            break;
        }
    }
    CHECK(n > 10); // a task each, and pieces for what waits
    CHECK(n < 50);
}

const child stderr_without_memory("standard error without memory", [](ledger& book) {
    const out_of_memory now(shortage::lasting);
    for (std::size_t id = 0; id < 100; ++id) {
        fire_and_forget({.name = "no memory"}, tracked(book, id));
    }
});

TEST_CASE("the default sink and the exit need no memory") {
    const outcome end = run(stderr_without_memory);
    check_exit(end);
    CHECK(end.lines_with("task \"no memory\" (memory_fault.cpp:") == 5);
    CHECK(end.lines_with("was refused: there is no memory for the task") == 5);
    CHECK(end.lines_with(" 95 more reports that task (memory_fault.cpp:") == 1);
}

const child failing_while_reporting("memory runs out in the task", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink([](const faf::error_report& report) {
        shared.count(report);
        shared.notes[0] += report.type == "int" && report.what == "42" ? 1 : 0;
        shared.notes[1] += report.exception != nullptr ? 1 : 0;
    });
    faf::thread_pool pool({.threads = 1});
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(pool, [] {
            memory = {shortage::lasting, 0, 0}; // on the worker, until it lends itself out again
            throw 42;
        });
        fire_and_forget(pool, [&book] {
            memory = {};
            ++book.ran;
        });
    }
});

TEST_CASE("an exception is reported in full when there is no memory left") {
    const outcome end = run(failing_while_reporting);
    check_exit(end);
    CHECK(end->ran == 100);
    CHECK(end->reports_of(failure::exception) == 100);
    CHECK(end->notes[0] == 100);
    CHECK(end->notes[1] == 100);
}

const child abandoning("abandoning without memory", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.threads = 1, .exit_timeout = 50ms}));
    faf::set_error_sink(book.counting_sink());
    std::atomic<bool> has_begun{false};
    fire_and_forget([&] {
        has_begun = true;
        std::this_thread::sleep_for(1h);
    });
    CHECK(eventually([&] { return has_begun.load(); }));
    for (std::size_t id = 0; id < 1000; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
    book.leave();
    memory = {shortage::lasting, 0, 0};
    std::exit(0);
});

TEST_CASE("what is abandoned at exit is reported without memory") {
    const outcome end = run(abandoning);
    check_exit(end);
    check_leaving(end, 50ms);
    CHECK(end->tasks_reported_as(failure::abandoned) == 1001);
    for (std::size_t id = 0; id < 1000; ++id) {
        REQUIRE(end->tasks[id].destroyed == 1);
    }
}

const child no_memory_for_workers("no memory for workers", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 2, .max_threads = 2});
    // The first five allocations make the table of the thread, its lane and the first group of
    // lanes; every further one is for a worker.
    for (std::size_t id = 0; id < 60; ++id) {
        const out_of_memory now(shortage::lasting, id == 0 ? 5 : 0);
        book.count(fire_and_forget(pool, tracked(book, id)));
    }
    book.notes[0] = static_cast<long>(pool.snapshot().threads);
    CHECK(pool.drain(patience));
});

TEST_CASE("tasks wait where there is no memory for a worker, and drain runs them") {
    const outcome end = run(no_memory_for_workers);
    check_exit(end);
    CHECK(end->notes[0] == 0);
    CHECK(end->accepted == 60);
    CHECK(end->ran == 60);
    CHECK(end->reports_of(failure::starvation) == 1);
}

TEST_CASE("a sink that can't be stored changes nothing") {
    // In this process: no task is fired, only the sink is replaced.
    static int heard = 0;
    faf::set_error_sink([](const faf::error_report&) { ++heard; });
    const faf::inline_executor here;
    bool threw = false;
    {
        faf::error_sink other = [](const faf::error_report&) { heard += 1000; };
        const out_of_memory now(shortage::lasting);
        try {
            faf::set_error_sink(std::move(other));
        } catch (const std::bad_alloc&) {
            threw = true;
        }
    }
    CHECK(threw);
    fire_and_forget(here, [] { throw 1; });
    CHECK(heard == 1);
    faf::set_error_sink(nullptr);
}

const child pool_without_memory("pool without memory", [](ledger& book) {
    const long n = book.argument;
    faf::set_error_sink(book.counting_sink());
    try {
        const out_of_memory now(shortage::once, n);
        faf::thread_pool pool({.threads = 1});
        book.notes[0] = now.failed();
        memory = {};
        fire_and_forget(pool, tracked(book, 0));
    } catch (const std::bad_alloc&) {
        book.notes[0] = 1;
        book.notes[1] = 1;
    }
    fire_and_forget(tracked(book, 1));
});

TEST_CASE("a pool that can't be made throws and leaves nothing at exit; else it works") {
    long n = 0;
    for (; n < 20; ++n) {
        CAPTURE(n);
        const outcome end = run(pool_without_memory, n);
        check_exit(end);
        CHECK(end->tasks[0].ran == 1 - end->notes[1]);
        CHECK(end->tasks[1].ran == 1);
        if (end->notes[0] == 0) {
            break;
        }
    }
    CHECK(n >= 1);
    CHECK(n < 20);
}

} // namespace
