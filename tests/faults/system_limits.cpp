// SPDX-License-Identifier: MIT
// The system's own limits: no room for another stack, no further thread for this user. As seen from
// inside, where thread_refused.cpp and nth_failure.cpp pretend.

#include "system_limits.hpp"
#include "child.hpp"
#include "eventually.hpp"

#include <array>
#include <atomic>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

constexpr long not_possible = -1;

const child no_room_for_stacks("no room for stacks", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 4, .max_threads = 4});
    book.notes[0] = limit_address_space(1024 * 1024) ? 0 : not_possible;
    for (std::size_t id = 0; id < 1000; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
        book.count(fire_and_forget(faf::own_thread, tracked(book, 1000 + id)));
    }
    static_cast<void>(pool.drain(50ms));
    static_cast<void>(faf::drain(50ms));
    CHECK(lift_address_space_limit());
    std::size_t id = 2000;
    CHECK(eventually([&] { // it tries again after a pause
        book.count(fire_and_forget(pool, tracked(book, id++)));
        return pool.snapshot().threads > 0;
    }));
    CHECK(pool.drain(patience));
});

TEST_CASE("in a process without room for another stack tasks wait, and get threads when there is") {
    if (is_sanitized) { // which map terabytes
        return;
    }
    const outcome end = run(no_room_for_stacks);
    if (end->notes[0] == not_possible) {
        WARN("the address space can't be limited here");
        return;
    }
    check_exit(end);
    CHECK(end->ran == end->accepted);
    CHECK(end->reports_of(failure::refused) == end->refused);
    CHECK(end->reports_of(failure::starvation) > 0);
}

const child no_room_at_all("no room at all", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    std::atomic<bool> may_run{false};
    fire_and_forget(pool, [&] { may_run.wait(false); });
    book.notes[0] = limit_address_space(4 * 1024 * 1024) ? 0 : not_possible;
    struct kilobytes {
        std::array<char, 64 * 1024> bytes{};
    };
    for (std::size_t id = 0; id < 1000; ++id) { // too much by far
        book.count(
            fire_and_forget(pool, [task = tracked(book, id), load = kilobytes()] { task(); }));
    }
    may_run = true;
    may_run.notify_all();
    CHECK(pool.drain(patience));
    book.notes[1] = static_cast<long>(book.refused);
    book.count(fire_and_forget(pool, tracked(book, 1000)));
});

TEST_CASE("tasks beyond the address space are refused, each reported, and those before them run") {
    if (is_sanitized) {
        return;
    }
    const outcome end = run(no_room_at_all);
    if (end->notes[0] == not_possible) {
        WARN("the address space can't be limited here");
        return;
    }
    check_exit(end);
    CHECK(end->notes[1] > 0);
    CHECK(end->refused == static_cast<std::uint64_t>(end->notes[1])); // there is room again
    CHECK(end->tasks_reported_as(failure::refused) == end->refused);
    CHECK(end->ran == end->accepted);
    for (std::size_t id = 0; id <= 1000; ++id) {
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child no_further_thread("no further thread", [](ledger& book) {
    if (!forbid_threads()) {
        book.notes[0] = not_possible;
        return;
    }
    REQUIRE(faf::configure_default_pool({.exit_timeout = 100ms}));
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 2, .max_threads = 2, .exit_timeout = 50ms});
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
        book.count(fire_and_forget(pool, tracked(book, 100 + id)));
        book.count(fire_and_forget(faf::own_thread, tracked(book, 200 + id)));
        book.count(fire_and_forget(pool, {.after = 1ms}, tracked(book, 300 + id)));
    }
    book.notes[1] = static_cast<long>(pool.snapshot().threads);
    CHECK_FALSE(pool.drain(50ms));
});

TEST_CASE("a user who may have no further thread hears of every task") {
#if defined(FIRE_AND_FORGET_HAS_ASAN)
    WARN("left out: the leak checker needs a thread of its own");
    return;
#endif
    const outcome end = run(no_further_thread);
    if (end->notes[0] == not_possible) {
        WARN("the number of threads can't be limited here");
        return;
    }
    check_exit(end);
    CHECK(end->notes[1] == 0);
    CHECK(end->accepted + end->refused == 400);
    CHECK(end->tasks_reported_as(failure::refused) == end->refused);
    CHECK(end->ran + end->tasks_reported_as(failure::abandoned) == end->accepted);
    CHECK(end->reports_of(failure::starvation) > 0);
}

} // namespace
