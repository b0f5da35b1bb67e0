// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/queue/lane_table.hpp>
#include <fire_and_forget/detail/queue/thread_lanes.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace faf::detail;
using faf_test::patience;

/// As a pool does, which is its first user.
struct set_releaser {
    void operator()(lane_set* one) const noexcept { one->release(); }
};
using owned_set = std::unique_ptr<lane_set, set_releaser>;

std::vector<owned_set> make_sets(std::size_t many) {
    std::vector<owned_set> sets;
    for (std::size_t i = 0; i < many; ++i) {
        sets.emplace_back(new lane_set);
    }
    return sets;
}

lanes_of_thread& hold(lane_table& table, lane_set& set) {
    auto* const fresh = new lanes_of_thread{&set, {}, nullptr, {}};
    set.keep();
    table.insert(*fresh);
    return *fresh;
}

} // namespace

TEST_CASE("each of many pools is found among what a thread holds, and no other") {
    const std::vector<owned_set> sets = make_sets(1'000);
    const std::vector<owned_set> others = make_sets(100);
    lane_table table;
    std::vector<lanes_of_thread*> held;
    for (const owned_set& one : sets) {
        CHECK(table.find(*one) == nullptr);
        held.push_back(&hold(table, *one));
    }
    CHECK(table.count() == 1'000);
    for (std::size_t i = 0; i < sets.size(); ++i) {
        REQUIRE(table.find(*sets[i]) == held[i]);
    }
    for (const owned_set& one : others) {
        REQUIRE(table.find(*one) == nullptr);
    }
}

TEST_CASE("what is taken out is not found any more, and the rest is") {
    const std::vector<owned_set> sets = make_sets(300);
    lane_table table;
    for (const owned_set& one : sets) {
        hold(table, *one);
    }
    for (std::size_t i = 0; i < 300; i += 3) {
        table.take_out_if([&](const lanes_of_thread& one) { return one.of == sets[i].get(); });
    }
    CHECK(table.count() == 200);
    for (std::size_t i = 0; i < 300; ++i) {
        REQUIRE((table.find(*sets[i]) != nullptr) == (i % 3 != 0));
    }
}

TEST_CASE("a thread lets go of pools that are gone when it next comes to another") {
    std::thread([] {
        std::vector<std::unique_ptr<faf::thread_pool>> pools;
        for (int i = 0; i < 20; ++i) {
            pools.push_back(std::make_unique<faf::thread_pool>(
                faf::pool_options{.threads = 1, .max_threads = 1}));
            faf::fire_and_forget(*pools.back(), [] {});
        }
        CHECK(this_thread.all_lanes->count() == 20);
        pools.resize(5);
        faf::fire_and_forget(*pools.front(), [] {});
        faf::fire_and_forget(*pools.back(), [] {});
        CHECK(this_thread.all_lanes->count() == 5);
        faf::thread_pool last({.threads = 1, .max_threads = 1});
        faf::fire_and_forget(last, [] {});
        CHECK(this_thread.all_lanes->count() == 6);
    }).join();
}

TEST_CASE("tasks that one thread fires at many pools in turn all run") {
    std::vector<std::unique_ptr<faf::thread_pool>> pools;
    for (int i = 0; i < 50; ++i) {
        pools.push_back(
            std::make_unique<faf::thread_pool>(faf::pool_options{.threads = 1, .max_threads = 1}));
    }
    std::atomic<int> runs{0};
    for (int round = 0; round < 20; ++round) {
        for (const auto& pool : pools) {
            faf::fire_and_forget(*pool, [&] { ++runs; });
        }
    }
    for (const auto& pool : pools) {
        CHECK(pool->drain(patience));
    }
    CHECK(runs == 1'000);
}
