// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/lanes.hpp>
#include <fire_and_forget/detail/queue/thread_lanes.hpp>

#include "catch.hpp"

#include <cstddef>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace faf::detail;
using faf::priority;

/// The lanes of a pool that is gone when this is.
class lanes_of_pool {
public:
    ~lanes_of_pool() {
        lanes_.retire();
        lanes_.release();
    }
    lane_set& operator*() const noexcept { return lanes_; }
    lane_set* operator->() const noexcept { return &lanes_; }

private:
    lane_set& lanes_ = *new lane_set;
};

/// What a thread leaves behind is part of most cases here.
template <class Fn>
void on_a_thread(Fn fn) {
    std::thread(fn).join();
}

pool_lane* lane_here(const lanes_of_pool& of, priority level = priority::normal) {
    return lane_of_this_thread(*of, level).get();
}

std::size_t count_lanes(const lanes_of_pool& of) {
    std::size_t count = 0;
    of->find([&](pool_lane&) {
        ++count;
        return false;
    });
    return count;
}

std::set<pool_lane*> awake(const lanes_of_pool& of) {
    std::set<pool_lane*> found;
    for (std::size_t level = 0; level < priorities; ++level) {
        of->of(level).find_awake([&](pool_lane& lane) {
            found.insert(&lane);
            return false;
        });
    }
    return found;
}

/// How many pools this thread holds lanes of.
std::size_t pools_held() {
    return this_thread.all_lanes != nullptr ? this_thread.all_lanes->count() : 0;
}

struct any_taker {
    static bool may_take() noexcept { return true; }
    static bool may_join(const task_vtable&) noexcept { return false; }
    static std::uint32_t take(slot& from, pool_block& in, std::uint32_t) noexcept {
        from.type.store(nullptr);
        in.finish(1);
        return 1;
    }
};

void store_tombstone_or_task(pool_lane& lane, bool is_task) {
    static constexpr task_vtable nothing{};
    REQUIRE(lane.has_room());
    slot& place = lane.reserve();
    if (is_task) {
        lane.publish(place, nothing);
    } else {
        pool_lane::bury(place);
    }
}

/// Takes a lane when it is constructed or when its thread ends.
struct late_caller {
    lane_set* set = nullptr;
    bool* was_late = nullptr;
    pool_lane** lane = nullptr;
    ~late_caller() {
        if (set != nullptr) {
            *was_late = this_thread.has_given_lanes_back;
            const lane_of_this_thread own(*set, priority::normal);
            *lane = own.get();
        }
    }
};

} // namespace

TEST_CASE("a lane that was taken back is lent again before a new one is made") {
    const lanes_of_pool lanes;
    pool_lane* const first = lanes->lend(priority::normal);
    pool_lane* const second = lanes->lend(priority::normal);
    REQUIRE(first != nullptr);
    REQUIRE(second != nullptr);
    CHECK(first != second);
    lanes->take_back(*first, priority::normal);
    CHECK(lanes->lend(priority::high) != first); // each priority has its own
    CHECK(lanes->lend(priority::normal) == first);
    CHECK(count_lanes(lanes) == 3);
    lanes->take_back(*first, priority::normal);
    lanes->take_back(*second, priority::normal);
    const std::set<pool_lane*> both{lanes->lend(priority::normal), lanes->lend(priority::normal)};
    CHECK(both == std::set<pool_lane*>{first, second});
    CHECK(count_lanes(lanes) == 3);
}

TEST_CASE("the lanes of a pool are found priority by priority, lent or not") {
    const lanes_of_pool lanes;
    CHECK(lanes->first(0) == nullptr);
    pool_lane* const low = lanes->lend(priority::low);
    pool_lane* const high = lanes->lend(priority::high);
    pool_lane* const normal = lanes->lend(priority::normal);
    lanes->take_back(*normal, priority::normal);
    CHECK(lanes->first(static_cast<std::size_t>(priority::high)) == high);
    CHECK(lanes->first(static_cast<std::size_t>(priority::normal)) == normal);
    CHECK(lanes->first(static_cast<std::size_t>(priority::low)) == low);
    std::vector<pool_lane*> found;
    CHECK(lanes->find([&](pool_lane& lane) {
        found.push_back(&lane);
        return &lane == low;
    }) == low);
    CHECK(found == std::vector<pool_lane*>{high, normal, low});
    CHECK(lanes->find([](const pool_lane&) { return false; }) == nullptr);
}

TEST_CASE("the counts of a pool's lanes are summed up, and one task in any of them is seen") {
    const lanes_of_pool lanes;
    CHECK_FALSE(lanes->may_have_tasks());
    pool_lane* const high = lanes->lend(priority::high);
    pool_lane* const low = lanes->lend(priority::low);
    store_tombstone_or_task(*high, false);
    CHECK_FALSE(lanes->may_have_tasks());
    store_tombstone_or_task(*low, true);
    CHECK(lanes->may_have_tasks());
    store_tombstone_or_task(*high, true);
    CHECK(lanes->pushed() == 2);
    CHECK(lanes->taken() == 0);
    any_taker taker;
    CHECK(low->try_take(taker));
    CHECK(lanes->taken() == 1);
    CHECK(lanes->may_have_tasks());
    CHECK(high->try_take(taker));
    CHECK(lanes->taken() == 2);
    CHECK_FALSE(lanes->may_have_tasks());
}

TEST_CASE("lanes that are over have nothing for workers, but keep what is in them") {
    const lanes_of_pool lanes;
    pool_lane* const lane = lanes->lend(priority::normal);
    store_tombstone_or_task(*lane, true);
    CHECK_FALSE(lanes->is_over());
    CHECK(lanes->may_have_tasks());
    lanes->end();
    CHECK(lanes->is_over());
    CHECK_FALSE(lanes->may_have_tasks());
    CHECK(lane->may_have_tasks());
    any_taker who_closes;
    CHECK(lane->take(who_closes));
}

TEST_CASE("a lane in which nothing is stored for a while is passed by until something is") {
    const lanes_of_pool lanes;
    pool_lane* const idle = lanes->lend(priority::normal);
    pool_lane* const used = lanes->lend(priority::normal);
    CHECK(awake(lanes) == std::set<pool_lane*>{idle, used});
    store_tombstone_or_task(*used, true);
    lanes->let_idle_sleep();
    CHECK(awake(lanes) == std::set<pool_lane*>{used});
    CHECK(idle->has_notice());
    CHECK_FALSE(used->has_notice());
    CHECK(lanes->may_have_tasks());

    lanes->let_idle_sleep();
    CHECK(awake(lanes) == std::set<pool_lane*>{used}); // nothing was stored, but something waits
    any_taker taker;
    CHECK(used->try_take(taker));
    lanes->let_idle_sleep();
    CHECK(awake(lanes).empty());
    CHECK(count_lanes(lanes) == 2);
    CHECK_FALSE(lanes->may_have_tasks());

    store_tombstone_or_task(*idle, true);
    CHECK_FALSE(lanes->may_have_tasks()); // only until its owner heeds the notice
    lanes->heed(*idle);
    CHECK(awake(lanes) == std::set<pool_lane*>{idle});
    CHECK_FALSE(idle->has_notice());
    CHECK(lanes->may_have_tasks());
    CHECK(lanes->has_task_at_hand());
}

TEST_CASE("a lane stays awake while something is stored now and then, or by the timers") {
    const lanes_of_pool lanes;
    pool_lane* const used = lanes->lend(priority::high);
    pool_lane* const of_timers = lanes->lend_to_timers(priority::high);
    any_taker taker;
    for (int i = 0; i < 3; ++i) {
        store_tombstone_or_task(*used, true);
        CHECK(used->try_take(taker));
        lanes->let_idle_sleep();
        CHECK(awake(lanes) == std::set<pool_lane*>{used, of_timers});
    }
    lanes->let_idle_sleep();
    CHECK(awake(lanes) == std::set<pool_lane*>{of_timers});
}

TEST_CASE("whose lane is dormant learns that the pool has closed, and so does who gets one later") {
    const lanes_of_pool lanes;
    pool_lane* const early = lanes->lend(priority::normal);
    lanes->let_idle_sleep();
    CHECK_FALSE(early->has(pool_lane::pool_is_closed));
    lanes->close();
    CHECK(early->has(pool_lane::pool_is_closed));
    lanes->heed(*early);
    CHECK(early->has(pool_lane::pool_is_closed));
    CHECK_FALSE(early->has(pool_lane::is_dormant));
    CHECK(lanes->lend(priority::normal)->has(pool_lane::pool_is_closed));
}

TEST_CASE("who looks for lanes that are awake finds each once, from wherever it begins") {
    const lanes_of_pool lanes;
    std::vector<pool_lane*> all;
    for (int i = 0; i < 150; ++i) { // in three groups
        all.push_back(lanes->lend(priority::normal));
    }
    lanes->let_idle_sleep();
    std::set<pool_lane*> roused;
    for (const std::size_t i : {0U, 5U, 62U, 63U, 64U, 127U, 128U, 149U}) {
        lanes->heed(*all[i]);
        roused.insert(all[i]);
    }
    CHECK(awake(lanes) == roused);
    const lane_list& list = lanes->of(static_cast<std::size_t>(priority::normal));
    for (const pool_lane* const start : all) {
        std::vector<pool_lane*> found;
        CHECK(list.find_awake_behind(*start, [&](pool_lane& lane) {
            found.push_back(&lane);
            return false;
        }) == nullptr);
        CHECK(found.size() == roused.size());
        CHECK(std::set<pool_lane*>(found.begin(), found.end()) == roused);
        CHECK((roused.count(const_cast<pool_lane*>(start)) == 0 || found.back() == start));
    }
}

TEST_CASE("a thread keeps its lane, one for each priority") {
    const lanes_of_pool lanes;
    on_a_thread([&] {
        pool_lane* const normal = lane_here(lanes);
        REQUIRE(normal != nullptr);
        CHECK(this_thread.lanes == &*lanes);
        CHECK(this_thread.lane == normal);
        pool_lane* const high = lane_here(lanes, priority::high);
        CHECK(high != normal);
        CHECK(this_thread.lane == normal); // the one at hand is of normal priority
        CHECK(lane_here(lanes) == normal);
        CHECK(lane_here(lanes, priority::high) == high);
        CHECK(pools_held() == 1);
    });
    CHECK(count_lanes(lanes) == 2);
}

TEST_CASE("a thread has lanes of its own in each of several pools") {
    const lanes_of_pool pools[3];
    on_a_thread([&] {
        pool_lane* lanes[3] = {};
        for (int round = 0; round < 3; ++round) {
            for (std::size_t i = 0; i < 3; ++i) {
                pool_lane* const lane = lane_here(pools[i]);
                CHECK(lane == (round == 0 ? lane : lanes[i]));
                lanes[i] = lane;
                CHECK(this_thread.lanes == &*pools[i]);
                CHECK(this_thread.lane == lane);
            }
        }
        CHECK(lanes[0] != lanes[1]);
        CHECK(lanes[1] != lanes[2]);
        CHECK(pools_held() == 3);
    });
    for (const lanes_of_pool& one : pools) {
        CHECK(count_lanes(one) == 1);
    }
}

TEST_CASE("a thousand threads one after the other make one lane") {
    const lanes_of_pool lanes;
    std::set<pool_lane*> seen;
    for (int i = 0; i < 1000; ++i) {
        on_a_thread([&] { seen.insert(lane_here(lanes)); });
    }
    CHECK(seen.size() == 1);
    CHECK(count_lanes(lanes) == 1);
}

TEST_CASE("threads that live at the same time have a lane each") {
    const lanes_of_pool lanes;
    constexpr std::size_t count = 4;
    for (int round = 0; round < 3; ++round) {
        pool_lane* seen[count] = {};
        std::latch all_have_one(count);
        std::vector<std::thread> threads;
        for (pool_lane*& mine : seen) {
            threads.emplace_back([&] {
                mine = lane_here(lanes);
                all_have_one.arrive_and_wait();
            });
        }
        for (std::thread& one : threads) {
            one.join();
        }
        CHECK(std::set<pool_lane*>(std::begin(seen), std::end(seen)).size() == count);
    }
    CHECK(count_lanes(lanes) == count);
}

TEST_CASE("a thread lets go of a pool that is gone when it next comes by") {
    on_a_thread([] {
        const lanes_of_pool other;
        {
            const lanes_of_pool first;
            const lanes_of_pool second;
            lane_here(first);
            lane_here(other, priority::low);
            lane_here(second);
            lane_here(second, priority::low);
            CHECK(pools_held() == 3);
        }
        CHECK(pools_held() == 3);
        lane_here(other, priority::high); // none of these becomes the one at hand
        CHECK(pools_held() == 1);
        CHECK(this_thread.lanes == nullptr);
        lane_here(other);
        CHECK(this_thread.lanes == &*other);
    });
}

TEST_CASE("pools one after the other do not add up in a thread that uses them") {
    on_a_thread([] {
        for (int i = 0; i < 100; ++i) {
            const lanes_of_pool lanes;
            CHECK(lane_here(lanes) != nullptr);
            CHECK(pools_held() == 1);
        }
    });
}

TEST_CASE("a thread that stores while it stores does so in another lane") {
    on_a_thread([] {
        const lanes_of_pool lanes;
        pool_lane* own = nullptr;
        {
            const lane_of_this_thread outer(*lanes, priority::normal);
            const lane_of_this_thread inner(*lanes, priority::normal);
            own = outer.get();
            CHECK(inner.get() != own);
        }
        CHECK(lane_here(lanes) == own);
    });
}

TEST_CASE("a thread lets go of a pool that goes while it stores there when it has stored") {
    on_a_thread([] {
        const lanes_of_pool other;
        auto lanes = std::make_unique<lanes_of_pool>();
        {
            const lane_of_this_thread own(**lanes, priority::normal);
            lanes.reset();
            lane_here(other);
            CHECK(pools_held() == 2);
            CHECK(own.get()->pushed() == 0); // no use after free here
        }
        lane_here(other);
        CHECK(pools_held() == 1);
    });
}

TEST_CASE("a pool's lanes outlive it in a thread that still holds one") {
    on_a_thread([] {
        pool_lane* lane = nullptr;
        {
            const lanes_of_pool lanes;
            lane = lane_here(lanes);
        }
        CHECK(lane->pushed() == 0); // no use after free here, and no leak after the thread's end
    });
}

#if !defined(_WIN32) // GCC's thread_locals are gone there when their destructors run

TEST_CASE("a thread_local destructor may still store, in a lane that it hands back at once") {
    const lanes_of_pool lanes;
    pool_lane* usual = nullptr;
    pool_lane* borrowed = nullptr;
    bool was_late = false;
    on_a_thread([&] {
        static thread_local late_caller before; // so it ends after the lanes were given back
        before = {&*lanes, &was_late, &borrowed};
        usual = lane_here(lanes);
    });
    CHECK(was_late);
    CHECK(borrowed != nullptr);
    CHECK(borrowed == usual);
    on_a_thread([&] { CHECK(lane_here(lanes) == borrowed); });
    CHECK(count_lanes(lanes) == 1);
}

TEST_CASE("a thread_local destructor that runs before the lanes are given back uses its own") {
    const lanes_of_pool lanes;
    pool_lane* usual = nullptr;
    pool_lane* last = nullptr;
    bool was_late = true;
    on_a_thread([&] {
        usual = lane_here(lanes);
        static thread_local late_caller behind;
        behind = {&*lanes, &was_late, &last};
    });
    CHECK_FALSE(was_late);
    CHECK(last == usual);
    CHECK(count_lanes(lanes) == 1);
}

#endif
