// SPDX-License-Identifier: MIT
// What becomes of tasks that a worker has taken from their lane together, when one keeps it.
// The first task of a pool here holds its worker until the others are stored, and short ones come
// next: so the rest is taken in runs, unless the machine interrupts the worker.

#include "catch.hpp"
#include "eventually.hpp"

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::testing::error_recorder;

/// Holds tasks until it is opened.
class latch_task {
public:
    void open() {
        is_open_ = true;
        is_open_.notify_all();
    }
    void hold() {
        ++held_;
        is_open_.wait(false);
        ++let_go_;
    }
    bool holds(int tasks) const {
        return eventually([&] { return held_ == tasks; });
    }
    bool let_go(int tasks) const {
        return eventually([&] { return let_go_ == tasks; });
    }

private:
    std::atomic<bool> is_open_{false};
    std::atomic<int> held_{0};
    std::atomic<int> let_go_{0};
};

constexpr int behind = 10; // tasks behind the one that keeps the worker

/// Has the worker that `first` holds take short tasks, one that `keeps` it and some behind it.
void have_claimed(faf::thread_pool& pool, latch_task& first, latch_task& keeps,
                  std::atomic<int>& ran) {
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(pool, [] {});
    }
    fire_and_forget(pool, [&] { keeps.hold(); });
    for (int i = 0; i < behind; ++i) {
        fire_and_forget(pool, [&] { ++ran; });
    }
    first.open();
    REQUIRE(keeps.holds(1));
}

TEST_CASE("a worker that becomes idle runs what stands behind a task that blocks another") {
    latch_task first;
    latch_task keeps;
    latch_task other;
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 2});
    fire_and_forget(pool, [&] { other.hold(); });
    REQUIRE(other.holds(1));
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    other.open();
    CHECK(eventually([&] { return ran == behind; }));
    keeps.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("a pool grows for what stands behind a task that blocks its only worker") {
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 1, .max_threads = 65});
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    CHECK(eventually([&] { return ran == behind; }));
    keeps.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("what stands behind a task that is given up is given up as well, each reported once") {
    const error_recorder errors;
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    CHECK_FALSE(pool.shutdown(0s));
    std::size_t reported = 0;
    for (const auto& one : errors.errors()) {
        CHECK(one.kind == failure::abandoned);
        reported += 1 + one.suppressed;
    }
    CHECK(reported == 1 + behind);
    CHECK(pool.snapshot().dropped == 1 + behind);
    keeps.open();
    CHECK(keeps.let_go(1));
    CHECK(eventually([&] { return pool.snapshot().threads == 0; }));
    CHECK(ran == 0);
}

TEST_CASE("a shutdown with time enough lets a worker run all it has claimed") {
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    std::thread opens([&] {
        std::this_thread::sleep_for(5ms);
        keeps.open();
    });
    CHECK(pool.shutdown(patience));
    opens.join();
    CHECK(ran == behind);
}

TEST_CASE("tasks of high priority do not wait for claimed ones once that priority is used") {
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    std::atomic<int> before_high{-1};
    faf::thread_pool pool({.threads = 1});
    fire_and_forget(pool, {.priority = faf::priority::high}, [] {});
    CHECK(pool.drain(patience));
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    fire_and_forget(pool, {.priority = faf::priority::high}, [&] { before_high = ran.load(); });
    keeps.open();
    CHECK(pool.drain(patience));
    CHECK(ran == behind);
    CHECK(before_high <= 1); // of 16 looks one begins with normal
}

TEST_CASE("tasks behind one that does not end can be displaced by newer ones") {
    const error_recorder errors;
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    faf::thread_pool pool(
        {.threads = 1, .max_pending = 101 + behind, .when_full = faf::overflow::drop_oldest});
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    for (int i = 0; i < 101 + behind; ++i) { // as many as may wait
        CHECK(fire_and_forget(pool, [&] { ran += 100; }));
    }
    keeps.open();
    CHECK(pool.drain(patience));
    CHECK(ran == 100 * (101 + behind));
    CHECK(errors.count() == behind);
}

TEST_CASE("in a pool that may not grow a task may wait for an earlier one") {
    latch_task first;
    latch_task keeps;
    latch_task other;
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 2, .max_threads = 2});
    fire_and_forget(pool, [&] { other.hold(); });
    REQUIRE(other.holds(1));
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    fire_and_forget(pool, [&] { CHECK(eventually([&] { return ran == behind; })); });
    other.open();
    CHECK(eventually([&] { return ran == behind; }));
    keeps.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("many tasks may wait for one that stands behind a task that blocks") {
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    faf::thread_pool pool({.threads = 2});
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    have_claimed(pool, first, keeps, ran);
    for (int i = 0; i < 50; ++i) {
        fire_and_forget(pool, [&] { CHECK(eventually([&] { return ran == behind; })); });
    }
    CHECK(eventually([&] { return ran == behind; }));
    keeps.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("what is claimed does not wait for the end of a stream of later tasks") {
    latch_task first;
    latch_task keeps;
    std::atomic<int> ran{0};
    std::atomic<bool> is_over{false};
    faf::thread_pool pool({.threads = 2, .max_threads = 66});
    fire_and_forget(pool, [&] { first.hold(); });
    REQUIRE(first.holds(1));
    std::thread stream([&] { // so that a search always finds something
        while (!is_over) {
            if (pool.snapshot().pending < 10'000) {
                fire_and_forget(pool, [] {});
            }
        }
    });
    have_claimed(pool, first, keeps, ran);
    CHECK(eventually([&] { return ran == behind; }));
    is_over = true;
    stream.join();
    keeps.open();
    CHECK(pool.drain(patience));
}

} // namespace
