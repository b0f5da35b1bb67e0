// SPDX-License-Identifier: MIT
// Lanes are made dormant all the time while their owners store a task now and then, each when the
// one before has run: none may be hidden. The keeper, which would mend some of that, is held up.

#define FIRE_AND_FORGET_STRESS

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/lanes.hpp>

#include "catch.hpp"
#include "held_keeper.hpp"
#include "load.hpp"
#include "rally.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;

/// What happens at the worst points of this thread; elsewhere now and then another one's turn.
thread_local void (*at_worst_point)() = nullptr;
thread_local unsigned points = 0;

} // namespace

void faf::detail::stress_point() noexcept {
    if (at_worst_point != nullptr) {
        at_worst_point();
    } else if (++points % 61 == 0) {
        std::this_thread::yield();
    }
}

namespace {

/// Whether all tasks of some threads run that make pauses of up to some microseconds.
bool all_run(faf::thread_pool& pool, int owners) {
    constexpr int rounds = load(10'000, 2'000);
    std::atomic<int> busy{owners};
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < owners; ++t) {
        threads.emplace_back([&, t] {
            unsigned turn = static_cast<unsigned>(t);
            const bool is_done = rally(
                pool, rounds, [&] { return std::chrono::nanoseconds(++turn * 7919 % 20'000); });
            done.fetch_add(is_done ? 1 : 0);
            busy.fetch_sub(1);
        });
    }
    faf::detail::lane_set& lanes = faf::detail::core_access::of(pool).lanes();
    while (busy > 0) {
        lanes.let_idle_sleep();
        std::this_thread::yield();
    }
    for (std::thread& one : threads) {
        one.join();
    }
    return done == owners;
}

std::atomic<bool> is_linked{false}; // relaxed: what they say must not order what they are about
std::atomic<bool> is_seen{false};

TEST_CASE("who sees a group of lanes sees it whole") {
    faf::detail::lane_list lanes;
    std::thread owner([&] {
        at_worst_point = [] {
            is_linked.store(true, std::memory_order_relaxed);
            while (!is_seen.load(std::memory_order_relaxed)) {
                std::this_thread::yield();
            }
        };
        static_cast<void>(lanes.add(faf::detail::pool_lane::use::by_thread));
    });
    while (!is_linked.load(std::memory_order_relaxed)) {
        std::this_thread::yield();
    }
    const auto any = [](const faf::detail::pool_lane&) { return true; };
    const bool is_awake = lanes.find_awake(any) != nullptr;
    is_seen.store(true, std::memory_order_relaxed);
    owner.join();
    CHECK_FALSE(is_awake);
    CHECK(lanes.find_awake(any) != nullptr);
}

TEST_CASE("a task that is stored just when its lane is made dormant is seen") {
    using namespace faf::detail;
    static lane_set* lanes = nullptr;
    static pool_lane* lane = nullptr;
    lanes = new lane_set;
    lane = lanes->lend(faf::priority::normal);
    REQUIRE(lane != nullptr);
    at_worst_point = [] {
        static constexpr task_vtable nothing{};
        at_worst_point = nullptr;
        REQUIRE(lane->has_room());
        lane->publish(lane->reserve(), nothing);
        CHECK_FALSE(lane->has_notice()); // so its owner has nothing to heed
    };
    lanes->let_idle_sleep();
    CHECK(at_worst_point == nullptr);
    CHECK(lanes->may_have_tasks());
    CHECK_FALSE(lane->has_notice());
    lanes->release();
}

TEST_CASE("no task is hidden in a lane that is made dormant while it is stored") {
    faf::thread_pool by_caller({.threads = 2, .max_threads = 2, .wake_up = faf::wake::by_caller});
    faf::thread_pool adaptive({.threads = 2, .max_threads = 2, .wake_up = faf::wake::adaptive});
    const held_keeper nobody_helps;
    CHECK(all_run(by_caller, 2));
    CHECK(all_run(adaptive, 2));
}

} // namespace
