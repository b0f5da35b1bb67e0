// SPDX-License-Identifier: MIT
// A sandbox refuses membarrier: from the start, or when workers rely on it already.

#include "child.hpp"
#include "eventually.hpp"
#include "held_keeper.hpp"
#include "rally.hpp"
#include "system_call_filter.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;
using faf::detail::asymmetric_barrier;

constexpr long is_put_up = 0; ///< the notes in the ledger
constexpr long kind_before = 1;
constexpr long kind_after = 2;
constexpr long has_lost_one = 3;

bool refuse_barriers() {
    constexpr std::array<long, 1> barriers{SYS_membarrier};
    return filter_system_calls(barriers, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW,
                               filtered::all_threads);
}

/// Fires one by one, with nobody to mend a lost wake-up, and then all at once from four threads.
void use(thread_pool& pool, ledger& book) {
    {
        const held_keeper nobody_helps;
        int round = 0;
        book.notes[has_lost_one] =
            rally(pool, 5'000, [&] { return std::chrono::nanoseconds(++round % 64 * 1'000); }) ? 0
                                                                                               : 1;
    }
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 5'000; ++i) {
                book.count(fire_and_forget(pool, tracked(book, t * 5'000 + i)));
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(pool.shutdown(patience));
    book.notes[kind_after] = static_cast<long>(asymmetric_barrier::current());
}

const child refused_from_the_start("refused from the start", [](ledger& book) {
    book.notes[is_put_up] = refuse_barriers() ? 1 : 0;
    thread_pool pool({.threads = 2, .max_threads = 2});
    use(pool, book);
});

const child refused_later("refused later", [](ledger& book) {
    thread_pool pool({.threads = 2, .max_threads = 2});
    CHECK(rally(pool, 100, [] { return 100us; })); // workers have registered and sleep
    book.notes[kind_before] = static_cast<long>(asymmetric_barrier::current());
    book.notes[is_put_up] = refuse_barriers() ? 1 : 0;
    use(pool, book);
});

void check_ledger(const outcome& end) {
    check_exit(end);
    CHECK(end->notes[has_lost_one] == 0);
    CHECK(end->accepted == 20'000);
    CHECK(end->ran == 20'000);
    for (std::size_t id = 0; id < 20'000; ++id) {
        const task_marks& marks = end->tasks[id];
        if (marks.ran != 1 || marks.constructed != marks.destroyed) {
            FAIL("task " << id << " did not run once");
        }
    }
}

bool may_filter(const outcome& end) {
    if (has_thread_sanitizer) {
        WARN("left out: under ThreadSanitizer no system call is used for barriers");
    } else if (end->notes[is_put_up] == 0) {
        WARN("left out: this system lets no program filter its system calls");
    }
    return !has_thread_sanitizer && end->notes[is_put_up] != 0;
}

constexpr long symmetric = static_cast<long>(asymmetric_barrier::kind::symmetric);
constexpr long asymmetric = static_cast<long>(asymmetric_barrier::kind::asymmetric);

TEST_CASE("where the system refuses barriers from the start, both sides pass fences") {
    const outcome end = run(refused_from_the_start);
    check_ledger(end);
    if (may_filter(end)) {
        CHECK(end->notes[kind_after] == symmetric);
    }
}

TEST_CASE("a sandbox that is put up while workers sleep costs no wake-up and no task") {
    const outcome end = run(refused_later);
    check_ledger(end);
    if (may_filter(end) && end->notes[kind_before] == asymmetric) {
        CHECK(end->notes[kind_after] == symmetric);
    }
}

} // namespace
