// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/lane_search.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <vector>

namespace {

using namespace faf::detail;
using faf::priority;

constexpr int none = -1;
constexpr task_vtable numbered{nullptr, nullptr, sizeof(int), alignof(int)};

struct number_taker {
    int number = none;
    static bool may_take() noexcept { return true; }
    static bool may_join(const task_vtable&) noexcept { return true; }
    std::uint32_t take(slot& from, pool_block& in, std::uint32_t) noexcept {
        std::memcpy(&number, from.closure, sizeof number);
        from.type.store(nullptr);
        in.finish(1);
        return 1;
    }
};

/// Takes all that it is offered.
struct run_taker : number_taker {
    std::uint32_t take(slot& first, pool_block& in, std::uint32_t count) noexcept {
        std::memcpy(&number, first.closure, sizeof number);
        for (slot* one = &first; one != &first + count; ++one) {
            one->type.store(nullptr);
        }
        in.finish(count);
        return count;
    }
};

/// Lanes of numbers, and one worker that looks through them.
class searched_lanes {
public:
    ~searched_lanes() { lanes_.release(); }

    pool_lane& lend(priority level = priority::normal) {
        pool_lane* const lane = lanes_.lend(level);
        REQUIRE(lane != nullptr);
        return *lane;
    }
    static void store(pool_lane& lane, int number, int times = 1) {
        for (int i = 0; i < times; ++i) {
            REQUIRE(lane.has_room());
            slot& place = lane.reserve();
            std::memcpy(place.closure, &number, sizeof number);
            lane.publish(place, numbered);
        }
    }
    int take() {
        number_taker taker;
        const bool has_found = search_.take_next(taker);
        CHECK(has_found == (taker.number != none));
        return taker.number;
    }
    int take_run() {
        run_taker taker;
        search_.take_next(taker);
        return taker.number;
    }
    std::vector<int> take(int count) {
        std::vector<int> numbers;
        for (int i = 0; i < count; ++i) {
            numbers.push_back(take());
        }
        return numbers;
    }
    lane_set& lanes() noexcept { return lanes_; }

private:
    lane_set& lanes_ = *new lane_set;
    lane_search search_{lanes_};
};

/// How often the same number comes in a row, at most.
std::ptrdiff_t longest_row(const std::vector<int>& numbers) {
    std::ptrdiff_t longest = 0;
    for (auto from = numbers.begin(); from != numbers.end();) {
        const auto to = std::find_if(from, numbers.end(), [&](int one) { return one != *from; });
        longest = std::max(longest, to - from);
        from = to;
    }
    return longest;
}

} // namespace

TEST_CASE("a search finds nothing where there are no lanes or only empty ones") {
    searched_lanes all;
    for (int i = 0; i < 40; ++i) {
        CHECK(all.take() == none);
    }
    all.lend(priority::low);
    all.lend();
    for (int i = 0; i < 40; ++i) {
        CHECK(all.take() == none);
    }
}

TEST_CASE("tasks of high priority come before normal ones, and those before low ones") {
    searched_lanes all;
    searched_lanes::store(all.lend(priority::low), 3, 3);
    searched_lanes::store(all.lend(priority::normal), 2, 3);
    searched_lanes::store(all.lend(priority::high), 1, 3);
    CHECK(all.take(10) == std::vector<int>{1, 1, 1, 2, 2, 2, 3, 3, 3, none});
}

TEST_CASE("of sixteen looks one begins with normal and one with low priority") {
    searched_lanes all;
    searched_lanes::store(all.lend(priority::high), 1, 100);
    searched_lanes::store(all.lend(priority::normal), 2, 100);
    searched_lanes::store(all.lend(priority::low), 3, 2);
    for (int look = 1; look <= 64; ++look) {
        CAPTURE(look);
        const int expected = look % 16 == 8 ? 2 : look == 16 || look == 32 ? 3 : 1;
        CHECK(all.take() == expected);
    }
}

TEST_CASE("a flood of high and low priority leaves normal tasks their share") {
    searched_lanes all;
    searched_lanes::store(all.lend(priority::high), 1, 1000);
    searched_lanes::store(all.lend(priority::low), 3, 1000);
    searched_lanes::store(all.lend(priority::normal), 2, 5);
    const std::vector<int> taken = all.take(100);
    CHECK(std::count(taken.begin(), taken.end(), 2) == 5);
    CHECK(std::count(taken.begin(), taken.end(), 3) == 6);
}

TEST_CASE("a lane's own order is kept") {
    searched_lanes all;
    pool_lane& lane = all.lend();
    for (int i = 0; i < 100; ++i) {
        searched_lanes::store(lane, i);
    }
    for (int i = 0; i < 100; ++i) {
        CHECK(all.take() == i);
    }
}

TEST_CASE("a search stays with a lane for sixteen tasks, then it is the next one's turn") {
    searched_lanes all;
    for (int number = 1; number <= 3; ++number) {
        searched_lanes::store(all.lend(), number, 100);
    }
    const std::vector<int> numbers = all.take(96);
    CHECK(longest_row(numbers) == 16);
    for (int number = 1; number <= 3; ++number) {
        CHECK(std::count(numbers.begin(), numbers.end(), number) == 32);
    }
}

TEST_CASE("a search stays with a lane for sixteen takes, however many tasks they are") {
    searched_lanes all;
    for (int number = 1; number <= 2; ++number) {
        searched_lanes::store(all.lend(), number, 2 * 16 * static_cast<int>(run_length::most));
    }
    std::vector<int> numbers;
    for (int i = 0; i < 64; ++i) {
        numbers.push_back(all.take_run());
    }
    CHECK(longest_row(numbers) == 16);
    CHECK(std::count(numbers.begin(), numbers.end(), 1) == 32);
}

TEST_CASE("a search goes on with a lane if the others are empty") {
    searched_lanes all;
    all.lend();
    pool_lane& used = all.lend();
    all.lend();
    searched_lanes::store(used, 1, 100);
    const std::vector<int> numbers = all.take(101);
    CHECK(std::count(numbers.begin(), numbers.end(), 1) == 100);
    CHECK(numbers.back() == none);
}

TEST_CASE("lanes of every priority have their turns") {
    for (const priority level : {priority::high, priority::normal, priority::low}) {
        searched_lanes all;
        constexpr int many = 150;
        for (int number = 0; number < many; ++number) {
            searched_lanes::store(all.lend(level), number, 20);
        }
        std::map<int, int> counts;
        for (const int number : all.take(many * 16)) {
            ++counts[number];
        }
        CHECK(counts.size() == many);
        for (const int number : all.take(many * 4)) {
            ++counts[number];
        }
        for (const auto& [number, count] : counts) {
            CAPTURE(number);
            CHECK(count == 20);
        }
        CHECK(all.take() == none);
    }
}

TEST_CASE("a search finds what is in a lane that was dormant when its owner has roused it") {
    searched_lanes all;
    std::vector<pool_lane*> lanes;
    for (int i = 0; i < 100; ++i) {
        lanes.push_back(&all.lend());
    }
    all.lanes().let_idle_sleep();
    CHECK(all.take() == none);
    for (const std::size_t at : {7U, 99U, 63U, 0U}) {
        searched_lanes::store(*lanes[at], static_cast<int>(at), 3);
        all.lanes().heed(*lanes[at]);
    }
    std::vector<int> numbers = all.take(12);
    std::sort(numbers.begin(), numbers.end());
    CHECK(numbers == std::vector<int>{0, 0, 0, 7, 7, 7, 63, 63, 63, 99, 99, 99});
    CHECK(all.take() == none);
}

TEST_CASE("a lane that is added later is found too") {
    searched_lanes all;
    searched_lanes::store(all.lend(), 1, 40);
    CHECK(all.take(3) == std::vector<int>{1, 1, 1});
    searched_lanes::store(all.lend(), 2, 40);
    const std::vector<int> numbers = all.take(32);
    CHECK(std::count(numbers.begin(), numbers.end(), 2) == 16);
}

TEST_CASE("a search does not wait for a lane that another worker takes from") {
    searched_lanes all;
    pool_lane& first = all.lend();
    searched_lanes::store(first, 1, 2);
    struct nosy_taker : number_taker {
        searched_lanes* lanes = nullptr;
        int of_other = none;
        std::uint32_t take(slot& from, pool_block& in, std::uint32_t) noexcept {
            number_taker::take(from, in, 1);
            lane_search other(lanes->lanes());
            number_taker taker;
            other.take_next(taker);
            of_other = taker.number;
            return 1;
        }
    } taker;
    taker.lanes = &all;
    REQUIRE(first.try_take(taker));
    CHECK(taker.of_other == none);
    searched_lanes::store(all.lend(), 2);
    REQUIRE(first.try_take(taker));
    CHECK(taker.of_other == 2);
}
