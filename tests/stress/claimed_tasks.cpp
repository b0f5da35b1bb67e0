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
#include <cstddef>
#include <thread>
#include <utility>

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
constexpr int before = 100;

/// A pool with a worker that has taken short tasks, one that keeps it and some behind it.
class kept_pool {
public:
    explicit kept_pool(faf::pool_options how) : pool(std::move(how)) {
        fire_and_forget(pool, [this] { first_.hold(); });
        REQUIRE(first_.holds(1));
    }
    ~kept_pool() { keeps.open(); }
    kept_pool(const kept_pool&) = delete;
    kept_pool& operator=(const kept_pool&) = delete;

    void have_claimed() {
        for (int i = 0; i < before; ++i) {
            fire_and_forget(pool, [] {});
        }
        fire_and_forget(pool, [this] { keeps.hold(); });
        for (int i = 0; i < behind; ++i) {
            fire_and_forget(pool, [this] { ++ran; });
        }
        first_.open();
        REQUIRE(keeps.holds(1));
    }
    bool all_run() {
        return eventually([this] { return ran == behind; });
    }
    void end() {
        keeps.open();
        CHECK(pool.drain(patience));
    }

private:
    latch_task first_;

public:
    latch_task keeps;
    std::atomic<int> ran{0}; ///< of those behind
    faf::thread_pool pool;   ///< goes first
};

TEST_CASE("a worker that becomes idle runs what stands behind a task that blocks another") {
    latch_task other;
    kept_pool one({.threads = 2});
    fire_and_forget(one.pool, [&] { other.hold(); });
    REQUIRE(other.holds(1));
    one.have_claimed();
    other.open();
    CHECK(one.all_run());
    one.end();
}

TEST_CASE("a pool grows for what stands behind a task that blocks its only worker") {
    kept_pool one({.threads = 1, .max_threads = 65});
    one.have_claimed();
    CHECK(one.all_run());
    one.end();
}

TEST_CASE("what stands behind a task that is given up is given up as well, each reported once") {
    const error_recorder errors;
    kept_pool one({.threads = 1});
    one.have_claimed();
    CHECK_FALSE(one.pool.shutdown(0s));
    std::size_t reported = 0;
    for (const auto& error : errors.errors()) {
        CHECK(error.kind == failure::abandoned);
        reported += 1 + error.suppressed;
    }
    CHECK(reported == 1 + behind);
    CHECK(one.pool.snapshot().dropped == 1 + behind);
    one.keeps.open();
    CHECK(one.keeps.let_go(1));
    CHECK(eventually([&] { return one.pool.snapshot().threads == 0; }));
    CHECK(one.ran == 0);
}

TEST_CASE("a shutdown with time enough lets a worker run all it has claimed") {
    kept_pool one({.threads = 1});
    one.have_claimed();
    std::thread opens([&] {
        std::this_thread::sleep_for(5ms);
        one.keeps.open();
    });
    CHECK(one.pool.shutdown(patience));
    opens.join();
    CHECK(one.ran == behind);
}

TEST_CASE("tasks of high priority do not wait for claimed ones once that priority is used") {
    std::atomic<int> before_high{-1};
    kept_pool one({.threads = 1});
    std::atomic<bool> is_used{false};
    fire_and_forget(one.pool, {.priority = faf::priority::high}, [&] { is_used = true; });
    one.have_claimed();
    CHECK(is_used);
    fire_and_forget(one.pool, {.priority = faf::priority::high},
                    [&] { before_high = one.ran.load(); });
    one.end();
    CHECK(one.ran == behind);
    CHECK(before_high >= 0);
    CHECK(before_high <= 1); // of 16 looks one begins with normal
}

TEST_CASE("tasks behind one that does not end can be displaced by newer ones") {
    constexpr std::size_t room = before + 1 + behind;
    const error_recorder errors;
    std::atomic<std::size_t> ran{0};
    kept_pool one({.threads = 1, .max_pending = room, .when_full = faf::overflow::drop_oldest});
    one.have_claimed();
    for (std::size_t i = 0; i < room; ++i) {
        CHECK(fire_and_forget(one.pool, [&] { ++ran; }));
    }
    one.end();
    CHECK(one.ran == 0);
    CHECK(ran == room);
    CHECK(errors.count() == behind);
}

TEST_CASE("in a pool that may not grow a task may wait for an earlier one") {
    latch_task other;
    kept_pool one({.threads = 2, .max_threads = 2});
    fire_and_forget(one.pool, [&] { other.hold(); });
    REQUIRE(other.holds(1));
    one.have_claimed();
    fire_and_forget(one.pool, [&] { one.all_run(); });
    other.open();
    CHECK(one.all_run());
    one.end();
}

TEST_CASE("many tasks may wait for one that stands behind a task that blocks") {
    kept_pool one({.threads = 2});
    one.have_claimed();
    for (int i = 0; i < 50; ++i) {
        fire_and_forget(one.pool, [&] { one.all_run(); });
    }
    CHECK(one.all_run());
    one.end();
}

TEST_CASE("what is claimed does not wait for the end of a stream of later tasks") {
    std::atomic<bool> is_over{false};
    kept_pool one({.threads = 2, .max_threads = 66});
    std::thread stream([&] { // so that a search always finds something
        while (!is_over) {
            if (one.pool.snapshot().pending < 10'000) {
                fire_and_forget(one.pool, [] {});
            }
        }
    });
    one.have_claimed();
    CHECK(one.all_run());
    is_over = true;
    stream.join();
    one.end();
}

} // namespace
