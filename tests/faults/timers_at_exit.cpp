// SPDX-License-Identifier: MIT
// The end of a program in which tasks wait for their time: those that come in time run, the others
// are reported at once and waited for by nobody.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <cstdlib>
#include <thread>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

constexpr std::size_t some = 100;

/// Longer than a child may take: who waits for it is found out.
constexpr auto beyond = 1h;

void check_each(const outcome& of, std::size_t from, std::size_t to, int runs) {
    std::size_t wrong = 0;
    for (std::size_t id = from; id < to; ++id) {
        const task_marks& marks = of->tasks[id];
        wrong += marks.ran != runs || marks.constructed != marks.destroyed ? 1 : 0;
    }
    CHECK(wrong == 0);
}

const child early_and_late("early and late timers", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.exit_timeout = beyond}));
    static ledger& shared = book;
    faf::set_error_sink([](const faf::error_report& report) {
        shared.count(report);
        shared.notes[0] += report.what == "it still waited for its time to start" ? 1 : 0;
    });
    static faf::thread_pool of_the_program({.threads = 1, .exit_timeout = beyond});
    for (std::size_t id = 0; id < some; ++id) {
        const auto soon = std::chrono::milliseconds(id);
        book.count(fire_and_forget({.after = soon}, tracked(book, id)));
        book.count(fire_and_forget(of_the_program, {.after = soon}, tracked(book, some + id)));
        book.count(fire_and_forget(faf::own_thread, {.after = soon}, tracked(book, 2 * some + id)));
        book.count(fire_and_forget({.after = 2 * beyond}, tracked(book, 3 * some + id)));
        book.count(
            fire_and_forget(of_the_program, {.after = 2 * beyond}, tracked(book, 4 * some + id)));
        book.count(
            fire_and_forget(faf::own_thread, {.after = 2 * beyond}, tracked(book, 5 * some + id)));
    }
});

TEST_CASE("at exit timers within the deadline fire; later ones are reported, not waited for") {
    const outcome end = run(early_and_late);
    check_exit(end);
    CHECK(end->accepted == 6 * some);
    CHECK(end->ran == 3 * some);
    check_each(end, 0, 3 * some, 1);
    check_each(end, 3 * some, 6 * some, 0);
    CHECK(end->tasks_reported_as(failure::abandoned) == 3 * some);
    CHECK(end->reports_of(failure::abandoned) == 3); // one for each place
    CHECK(end->notes[0] == 3);
    CHECK(end.errors.empty());
}

const child only_late("only late timers", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    for (std::size_t id = 0; id < some; ++id) {
        book.count(fire_and_forget({.after = 10s}, tracked(book, id)));
    }
});

TEST_CASE("a program whose only tasks come after the deadline ends at once") {
    const outcome end = run(only_late); // the deadline is five seconds
    check_exit(end);
    check_leaving(end, 0s);
    CHECK(end->tasks_reported_as(failure::abandoned) == some);
    check_each(end, 0, some, 0);
}

const child no_time_at_all("no time at all", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.max_threads = 1, .exit_timeout = 0s}));
    faf::set_error_sink(book.counting_sink());
    for (std::size_t id = 0; id < load<std::size_t>(100'000, 10'000); ++id) {
        book.count(fire_and_forget({.after = std::chrono::microseconds(id)}, tracked(book, id)));
    }
});

TEST_CASE("a hundred thousand timers run or are reported where exit does not wait") {
    const outcome end = run(no_time_at_all);
    check_exit(end);
    const std::size_t many = load<std::size_t>(100'000, 10'000);
    std::size_t wrong = 0;
    std::size_t ran = 0;
    for (std::size_t id = 0; id < many; ++id) {
        const task_marks& marks = end->tasks[id];
        wrong += marks.ran > 1 || marks.constructed != marks.destroyed ? 1 : 0;
        ran += marks.ran;
    }
    CHECK(wrong == 0);
    CHECK(end->accepted == many);
    // One that ran at that moment was given up and may have come to its end all the same.
    const std::uint64_t both = ran + end->tasks_reported_as(failure::abandoned);
    CHECK(both >= many);
    CHECK(both <= many + std::thread::hardware_concurrency());
}

const child repeaters("repeaters", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.exit_timeout = beyond}));
    static ledger& shared = book;
    const auto count = [] { ++shared.ran; };
    book.count(fire_and_forget({.every = 1ms}, count));
    book.count(fire_and_forget({.every = beyond}, count));
    book.count(fire_and_forget({.after = beyond, .every = 1ms}, count));
    book.count(fire_and_forget(faf::own_thread, {.every = 1ms}, count));
    static faf::thread_pool of_the_program({.threads = 1, .exit_timeout = beyond});
    book.count(fire_and_forget(of_the_program, {.every = 1ms}, count));
    CHECK(eventually([] { return shared.ran > 20; }));
});

TEST_CASE("tasks that repeat end with the program, without a word and without being waited for") {
    const outcome end = run(repeaters);
    check_exit(end);
    CHECK(end->accepted == 5);
    CHECK(end->ran > 20);
    CHECK(end.errors.empty());
}

const child shut_down("shut down with timers", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    for (std::size_t id = 0; id < some; ++id) {
        book.count(fire_and_forget({.after = std::chrono::milliseconds(id)}, tracked(book, id)));
        book.count(fire_and_forget({.after = 2 * beyond}, tracked(book, some + id)));
    }
    fire_and_forget({.every = 1ms}, [] {});
    CHECK_FALSE(faf::shutdown(beyond));
    const faf::stats now = faf::snapshot();
    book.notes[0] = static_cast<long>(now.dropped - now.cancelled);
    book.notes[1] = static_cast<long>(now.pending + now.running);
    book.notes[2] = now.accepted == now.succeeded + now.dropped ? 1 : 0;
    book.count(fire_and_forget({.after = 1ms}, tracked(book, 2 * some)));
});

TEST_CASE(
    "a shutdown waits for the timers that are due in time, gives up the others, and refuses") {
    const outcome end = run(shut_down);
    check_exit(end);
    check_each(end, 0, some, 1);
    check_each(end, some, 2 * some, 0);
    CHECK(end->notes[0] == some);
    CHECK(end->notes[1] == 0);
    CHECK(end->notes[2] == 1);
    CHECK(end->refused == 1);
    CHECK(end->tasks_reported_as(failure::abandoned) == some);
    CHECK(end->reports_of(failure::refused) == 1);
}

const child fired_by_timers("fired by timers at exit", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink(book.counting_sink());
    for (std::size_t id = 0; id < some; ++id) {
        shared.count(fire_and_forget({.after = std::chrono::milliseconds(id)}, [id] {
            tracked(shared, 3 * id)();
            shared.count(fire_and_forget(tracked(shared, 3 * id + 1)));
            shared.count(fire_and_forget({.after = 1ms}, tracked(shared, 3 * id + 2)));
        }));
    }
});

TEST_CASE("what timers fire while the program exits runs at once or is refused and reported") {
    const outcome end = run(fired_by_timers);
    check_exit(end);
    CHECK(end->accepted + end->refused == 3 * some);
    CHECK(end->reports_of(failure::refused) == end->refused);
    std::size_t wrong = 0;
    for (std::size_t id = 0; id < some; ++id) {
        wrong += end->tasks[3 * id].ran != 1 || end->tasks[3 * id + 1].ran != 1 ? 1 : 0;
    }
    CHECK(wrong == 0);
    CHECK(end->tasks_reported_as(failure::abandoned) == 0);
    for (std::size_t id = 0; id < 3 * some; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child no_main_left("no main left", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink(book.counting_sink());
    fire_and_forget({.after = 20ms}, [] {
        ++shared.ran;
        std::exit(3);
    });
    std::this_thread::sleep_for(beyond);
});

TEST_CASE("a timer may end the program") {
    const outcome end = run(no_main_left);
    check_exit(end, 3);
    CHECK(end->ran == 1);
}

} // namespace
