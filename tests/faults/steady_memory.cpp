// SPDX-License-Identifier: MIT
// The memory that a pool takes: next to none while its workers keep up, and none for long when they
// don't.

#include "catch.hpp"
#include "counted_memory.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;

/// A closure of 32 bytes.
struct counting_task {
    std::atomic<std::uint64_t>* runs;
    std::array<std::uint64_t, 3> weight{};
    void operator()() const { runs->fetch_add(1); }
};
static_assert(sizeof(counting_task) == 32);

/// Fires `count` tasks and lets the workers catch up after every 64.
void fire_in_step(thread_pool& pool, std::uint64_t count) {
    std::atomic<std::uint64_t> runs{0};
    for (std::uint64_t fired = 1; fired <= count; ++fired) {
        fire_and_forget(pool, counting_task{&runs});
        while (fired % 64 == 0 && runs < fired) {
            std::this_thread::yield();
        }
    }
    while (runs < count) {
        std::this_thread::yield();
    }
}

/// Fires `count` tasks that all wait for the last one.
void fire_in_a_burst(thread_pool& pool, std::uint64_t count) {
    std::atomic<std::uint64_t> runs{0};
    std::atomic<bool> may_run{false};
    fire_and_forget(pool, [&] { may_run.wait(false); });
    for (std::uint64_t fired = 0; fired < count; ++fired) {
        fire_and_forget(pool, counting_task{&runs});
    }
    may_run = true;
    may_run.notify_all();
    while (runs < count) {
        std::this_thread::yield();
    }
}

/// All `workers` sleep: they have told the blocks of what they did.
void settle(thread_pool& pool, std::uint32_t workers) {
    REQUIRE(pool.drain(patience));
    const faf::detail::doorbell& bell = faf::detail::core_access::of(pool).lanes().bell;
    REQUIRE(eventually([&] { return bell.sleepers() == workers; }));
}

TEST_CASE("a million tasks that the workers keep up with go to and fro between the same blocks") {
    for (const unsigned threads : {1U, 2U}) {
        CAPTURE(threads);
        thread_pool pool({.threads = threads, .max_threads = threads});
        fire_in_step(pool, 10'000);
        // They fill 15,873 blocks. A worker that loses its turn in mid-block may cost one more: on
        // a busy machine that may be often.
        CHECK(eventually([&] {
            const long before = counted_memory.allocations;
            fire_in_step(pool, load(1'000'000U, 50'000U));
            return counted_memory.allocations - before < 100;
        }));
    }
}

TEST_CASE("the memory of a burst is given back when it is over") {
    thread_pool pool({.threads = 1});
    fire_in_step(pool, 1'000);
    settle(pool, 1);
    const long before = counted_memory.live();
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        const long allocations_before = counted_memory.allocations;
        fire_in_a_burst(pool, load(200'000U, 20'000U));
        settle(pool, 1);
        CHECK(counted_memory.allocations - allocations_before > load(3'000, 300));
        CHECK(counted_memory.live() <= before + 3); // the blocks that a lane keeps
    }
}

TEST_CASE("what a task runs while it waits for others leaves no memory behind") {
    thread_pool pool({.threads = 1, .max_threads = 1});
    std::atomic<std::uint64_t> runs{0};
    const auto have_some_run_inside_of_one = [&](std::uint64_t count) {
        faf::task_scope scope(pool);
        std::atomic<bool> may_run{false};
        std::atomic<bool> is_drained{false};
        fire_and_forget(pool, [&] {
            may_run.wait(false);
            is_drained = scope.drain();
        });
        for (std::uint64_t fired = 0; fired < count; ++fired) {
            fire_and_forget(scope, [&] { ++runs; });
        }
        may_run = true;
        may_run.notify_all();
        settle(pool, 1);
        CHECK(is_drained);
    };
    have_some_run_inside_of_one(1'000);
    const long before = counted_memory.live();
    have_some_run_inside_of_one(20'000);
    CHECK(counted_memory.live() <= before + 3); // the blocks that a lane keeps
    CHECK(runs == 21'000);
}

TEST_CASE("threads that come and go leave no memory behind") {
    thread_pool pool({.threads = 2, .max_threads = 2});
    std::atomic<int> runs{0};
    const auto fire_from_a_thread = [&] {
        std::thread([&] { fire_and_forget(pool, [&] { ++runs; }); }).join();
    };
    constexpr int threads = load(10'000, 500);
    for (int i = 0; i < 200; ++i) {
        fire_from_a_thread();
    }
    settle(pool, 2);
    const long before = counted_memory.live();
    for (int i = 0; i < threads; ++i) {
        fire_from_a_thread();
    }
    settle(pool, 2);
    const long after = counted_memory.live();
    CHECK(after <= before + 3);
    CHECK(runs == threads + 200);
}

/// Fires when its thread ends, once it has no lane any more.
struct last_words {
    thread_pool* pool = nullptr;
    std::atomic<int>* runs = nullptr;
    ~last_words() {
        if (pool != nullptr) {
            fire_and_forget(*pool, [in = runs] { ++*in; });
            const faf::options how{.name = "last", .priority = faf::priority::high};
            fire_and_forget(*pool, how, [in = runs] { ++*in; });
        }
    }
};

TEST_CASE("threads that fire from thread_local destructors leave no memory behind") {
    thread_pool pool({.threads = 2, .max_threads = 2});
    std::atomic<int> runs{0};
    const auto fire_at_the_end = [&](bool has_lane) {
        std::thread([&, has_lane] {
            thread_local last_words at_the_end; // before the thread has a lane: so it ends later
            at_the_end.pool = &pool;
            at_the_end.runs = &runs;
            if (has_lane) {
                fire_and_forget(pool, [&] { ++runs; });
            }
        }).join();
    };
    constexpr int threads = load(2'000, 200);
    for (int i = 0; i < 100; ++i) {
        fire_at_the_end(i % 2 == 0);
    }
    settle(pool, 2);
    const long before = counted_memory.live();
    for (int i = 0; i < threads; ++i) {
        fire_at_the_end(i % 2 == 0);
    }
    settle(pool, 2);
    const long after = counted_memory.live();
    CHECK(after <= before + 6); // lanes of two priorities
    CHECK(runs == (threads + 100) / 2 * 5);
}

TEST_CASE("pools that come and go under one thread leave no memory behind") {
    std::atomic<int> runs{0};
    const auto use_a_pool = [&] {
        thread_pool pool({.threads = 1, .exit_timeout = patience});
        fire_and_forget(pool, [&] { ++runs; });
    };
    for (int i = 0; i < 20; ++i) {
        use_a_pool();
    }
    const long before = counted_memory.live();
    for (int i = 0; i < load(1'000, 100); ++i) {
        use_a_pool();
    }
    const long after = counted_memory.live();
    CHECK(after <= before);
    CHECK(runs == 20 + load(1'000, 100));
}

/// Throws when it is copied, if it is told to.
struct fragile_sink {
    const bool* is_fragile;
    explicit fragile_sink(const bool* told) noexcept : is_fragile(told) {}
    fragile_sink(const fragile_sink& other) : is_fragile(other.is_fragile) {
        if (*is_fragile) {
            throw std::logic_error("sink");
        }
    }
    void operator()(const faf::error_report& /*report*/) const {}
};

TEST_CASE("a call whose sink can't be copied leaves no memory behind") {
    thread_pool pool({.threads = 1});
    bool is_fragile = false;
    const faf::options how{.on_error = fragile_sink(&is_fragile)};
    is_fragile = true;
    const auto fire = [&] { return fire_and_forget(pool, how, [] {}).why(); };
    REQUIRE(fire() == faf::refusal::copy_threw);
    settle(pool, 1);
    const long before = counted_memory.live();
    for (int i = 0; i < 10; ++i) {
        fire();
    }
    const long after = counted_memory.live();
    CHECK(after == before);
}

} // namespace
