// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/lane_search.hpp>
#include <fire_and_forget/detail/queue/nest.hpp>
#include <fire_and_forget/detail/queue/thread_lanes.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/thread_pool.hpp>

#include "catch.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using namespace faf::detail;
using faf::priority;

constexpr task_vtable numbered{nullptr, nullptr, sizeof(int), alignof(int)};

/// Takes numbers out, as many at once as it is offered.
struct number_taker {
    std::vector<int> numbers;
    unsigned refusals = 0; ///< as many lanes seem to be locked by another
    bool may_take() noexcept { return refusals == 0 || refusals-- == 0; }
    static bool may_join(const task_vtable&) noexcept { return true; }
    std::uint32_t take(slot& first, pool_block& in, std::uint32_t count) {
        for (slot* one = &first; one != &first + count; ++one) {
            int number = 0;
            std::memcpy(&number, one->closure, sizeof number);
            numbers.push_back(number);
            one->type.store(nullptr);
        }
        in.finish(count);
        return count;
    }
};

/// This thread as a worker whose tasks' tasks go first.
class nesting_worker {
public:
    enum class takes : std::uint8_t { singly, runs };

    explicit nesting_worker(takes how = takes::singly) {
        lanes_.bell.begin(0); // nobody is idle
        if (how == takes::singly) {
            lanes_.have_taken_singly();
        }
    }
    ~nesting_worker() {
        lanes_.retire();
        lanes_.release();
    }

    /// As a task does that this worker runs, or else as one outside does.
    void fire(int number, lane_of_this_thread::where where = lane_of_this_thread::where::nested) {
        const lane_of_this_thread own(lanes_, priority::normal, where);
        store(*own.get(), number);
    }
    void fire_elsewhere(int number) {
        if (elsewhere_ == nullptr) {
            elsewhere_ = lanes_.lend(priority::normal);
        }
        store(*elsewhere_, number);
    }

    /// What is begun now, the last of which runs; empty if there is nothing.
    std::vector<int> take(unsigned refusals = 0) {
        number_taker taker{{}, refusals};
        if (search_.take_next(taker)) {
            take_at_hand(lanes_, nest_);
        }
        return taker.numbers;
    }

    lane_set& lanes() noexcept { return lanes_; }

private:
    static void store(pool_lane& lane, int number) {
        if (!lane.has_room()) { // a REQUIRE takes longer than all that is timed here
            FAIL("there is no room");
        }
        slot& place = lane.reserve();
        std::memcpy(place.closure, &number, sizeof number);
        lane.publish(place, numbered);
    }

    lane_set& lanes_ = *new lane_set;
    pool_lane* elsewhere_ = nullptr;
    nest nest_;
    lane_search search_{lanes_, &nest_};
    nesting depth_first_{lanes_, nest_};
};

using numbers = std::vector<int>;

TEST_CASE("what the last task fired is taken before what waited before, and in its order") {
    nesting_worker worker;
    worker.fire(1);
    worker.fire(2);
    CHECK(worker.take() == numbers{1});
    worker.fire(11);
    worker.fire(12);
    CHECK(worker.take() == numbers{11});
    worker.fire(111);
    CHECK(worker.take() == numbers{111});
    CHECK(worker.take() == numbers{12});
    CHECK(worker.take() == numbers{2});
    CHECK(worker.take().empty());
}

TEST_CASE("what a task fires goes first although its lane was locked when it was its turn") {
    nesting_worker worker;
    worker.fire(1);
    worker.fire(2);
    CHECK(worker.take(1) == numbers{1});
    worker.fire(11);
    CHECK(worker.take() == numbers{11});
    worker.fire(111);
    CHECK(worker.take(1) == numbers{2});
    worker.fire(21);
    CHECK(worker.take() == numbers{111});
    CHECK(worker.take() == numbers{21});
    CHECK(worker.take().empty());
}

/// By tasks that fire one each.
void go_to_the_deepest(nesting_worker& worker) {
    for (int depth = 1; depth <= static_cast<int>(nest::depths); ++depth) {
        worker.fire(depth);
        CHECK(worker.take() == numbers{depth});
    }
}

TEST_CASE("what is deeper than there are lanes is taken in turn") {
    nesting_worker worker;
    go_to_the_deepest(worker);
    worker.fire(101);
    worker.fire(102);
    CHECK(worker.take() == numbers{101});
    worker.fire(103);
    CHECK(worker.take() == numbers{102});
    CHECK(worker.take() == numbers{103});
    CHECK(worker.take().empty());
}

TEST_CASE("what a task from elsewhere fires goes first, too, however deep the one before it was") {
    nesting_worker worker;
    go_to_the_deepest(worker);
    worker.fire_elsewhere(1);
    worker.fire_elsewhere(2);
    CHECK(worker.take() == numbers{1});
    worker.fire(11);
    worker.fire(12);
    CHECK(worker.take() == numbers{11});
    worker.fire(111);
    CHECK(worker.take() == numbers{111});
    CHECK(worker.take() == numbers{12});
    CHECK(worker.take() == numbers{2});
}

TEST_CASE("a task that waits elsewhere is taken while tasks go on firing tasks") {
    nesting_worker worker;
    worker.fire_elsewhere(-1);
    worker.fire(0);
    int rounds = 0;
    for (bool is_there = false; !is_there && rounds < 1'000; ++rounds) {
        for (const int number : worker.take()) {
            is_there = is_there || number == -1;
        }
        worker.fire(rounds);
    }
    CHECK(rounds <= 17);
}

TEST_CASE("of what goes first sixteen are taken at once, at most") {
    nesting_worker worker(nesting_worker::takes::runs);
    constexpr std::size_t leaves = 2'000;
    for (std::size_t i = 0; i < leaves; ++i) {
        worker.fire(static_cast<int>(i));
    }
    std::size_t longest = 0; // how far it gets depends on the clock
    for (std::size_t taken = 0; taken < leaves;) {
        const std::size_t more = worker.take().size();
        REQUIRE(more > 0);
        longest = more > longest ? more : longest;
        taken += more;
    }
    CHECK(longest > 1);
    CHECK(longest <= 16);
}

TEST_CASE("the nest of another worker is searched when there is nothing else") {
    nesting_worker worker;
    worker.fire(1);
    lane_search other(worker.lanes());
    number_taker taker;
    while (!other.take_next(taker)) {
    }
    CHECK(taker.numbers == numbers{1});
    CHECK(worker.take().empty());
}

TEST_CASE("a coroutine that goes on is behind what the task has fired") {
    nesting_worker worker;
    worker.fire(1, lane_of_this_thread::where::in_turn);
    worker.fire(2);
    CHECK(worker.take() == numbers{2});
    worker.fire(3);
    CHECK(worker.take() == numbers{3});
    CHECK(worker.take() == numbers{1});
}

TEST_CASE("leaves are taken by the run, and those that fire something one by one") {
    lane_set& lanes = *new lane_set;
    lanes.bell.begin(0); // nobody is idle
    nest own;
    {
        const nesting depth_first(lanes, own);
        const auto store = [&](int number) {
            const lane_of_this_thread lane(lanes, priority::normal);
            REQUIRE(lane.get()->has_room());
            slot& place = lane.get()->reserve();
            std::memcpy(place.closure, &number, sizeof number);
            lane.get()->publish(place, numbered);
        };
        const auto take = [&] {
            number_taker taker;
            own.take_deepest(taker, [] { return run_length::most; });
            take_at_hand(lanes, own);
            return taker.numbers;
        };
        for (int i = 1; i <= 9; ++i) {
            store(i);
        }
        CHECK(take() == numbers{1});
        CHECK(take() == numbers{2, 3});
        CHECK(take() == numbers{4, 5, 6, 7});
        store(41);
        CHECK(take() == numbers{41});
        CHECK(take() == numbers{8});
        CHECK(take() == numbers{9});
    }
    lanes.retire();
    lanes.release();
}

TEST_CASE("the leaves of a parent are taken by one look, also past the turn of others") {
    nesting_worker worker(nesting_worker::takes::runs);
    constexpr int parents = 10'000; // how soon it gets that far is up to the clock
    for (int parent = 0; parent < parents; ++parent) {
        worker.fire(0);
    }
    std::size_t longest = 0;
    for (int parent = 0; parent < parents && longest < 10; ++parent) {
        REQUIRE(worker.take() == numbers{0});
        for (int leaf = 1; leaf <= 10; ++leaf) {
            worker.fire(leaf);
        }
        for (std::size_t taken = 0; taken < 10;) {
            const std::size_t run = worker.take().size();
            REQUIRE(run > 0);
            longest = run > longest ? run : longest;
            taken += run;
        }
    }
    CHECK(longest == 10);
}

TEST_CASE("lanes of a nest are used again, with what is left in them taken by others") {
    lane_set& lanes = *new lane_set;
    const auto count = [&] {
        int all = 0;
        lanes.find([&](pool_lane&) {
            ++all;
            return false;
        });
        return all;
    };
    for (int round = 0; round < 3; ++round) {
        nest own;
        const nesting depth_first(lanes, own);
        const lane_of_this_thread lane(lanes, priority::normal);
        REQUIRE(lane.get() != nullptr);
        CHECK(lane.get()->how == pool_lane::use::nested);
    }
    CHECK(count() == 1);
    lanes.retire();
    lanes.release();
}

} // namespace

namespace {

/// Counts the leaves below, each group by tasks that it waits for. Far too few if one can't.
int leaves(faf::thread_pool& pool, int height) {
    if (height == 0) {
        return 1;
    }
    std::atomic<int> sum{0};
    faf::task_scope group(pool);
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(group, [&] { sum += leaves(pool, height - 1); });
    }
    return group.drain() ? sum.load() : -1000;
}

} // namespace

TEST_CASE("groups that wait for what they have fired come to their end, depth first, too") {
    for (const unsigned threads : {1U, 2U}) {
        std::atomic<int> found{0};
        faf::thread_pool pool(
            {.threads = threads, .fixed = true, .nested_tasks = faf::nested::newest_first});
        fire_and_forget(pool, [&] { found = leaves(pool, 5); });
        CHECK(pool.drain());
        CHECK(found == 243);
        CHECK(pool.snapshot().succeeded == 1 + 3 + 9 + 27 + 81 + 243);
    }
}
