// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/lane.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstring>
#include <set>
#include <vector>

namespace {

using namespace faf::detail;

static_assert(sizeof(slot) == 64 && alignof(slot) == 64); // one cache line
static_assert(sizeof(block<63>) == 4096);                 // one page
static_assert(slot::fits({nullptr, nullptr, 32, 8}));
static_assert(slot::fits({nullptr, nullptr, slot::room, slot::alignment}));
static_assert(!slot::fits({nullptr, nullptr, slot::room + 1, 1}));
static_assert(!slot::fits({nullptr, nullptr, 1, 2 * slot::alignment}));

constexpr int none = -1;
constexpr task_vtable numbered{nullptr, nullptr, sizeof(int), alignof(int)};

/// A worker that takes one task.
template <std::size_t Slots>
struct one_taker {
    slot* from = nullptr;
    block<Slots>* in = nullptr;
    std::uint32_t count = 0;
    bool is_allowed = true;

    bool may_take() const noexcept { return is_allowed; }
    static bool may_join(const task_vtable&) noexcept { return true; }
    std::uint32_t take(slot& first, block<Slots>& of, std::uint32_t tasks) noexcept {
        from = &first;
        in = &of;
        count = tasks;
        return tasks;
    }
    int number() const noexcept {
        int stored = none;
        std::memcpy(&stored, from->closure, sizeof stored);
        return stored;
    }
    void finish() noexcept {
        from->type.store(nullptr);
        in->finish(1);
    }
};

/// A lane of numbers.
template <std::size_t Slots>
class number_lane : public basic_lane<Slots> {
public:
    number_lane() { REQUIRE(this->prepare()); }

    slot& reserve_one() {
        REQUIRE(this->has_room());
        slot& place = this->reserve();
        CHECK(place.type.load() == nullptr);
        return place;
    }
    void publish_number(slot& place, int number) {
        std::memcpy(place.closure, &number, sizeof number);
        this->publish(place, numbered);
    }
    slot& store(int number) {
        slot& place = reserve_one();
        publish_number(place, number);
        return place;
    }
    void store_from_to(int first, int last) {
        for (int number = first; number <= last; ++number) {
            store(number);
        }
    }

    /// Takes and finishes a task; `none` if there is none.
    int take_one() {
        one_taker<Slots> next;
        if (!this->try_take(next)) {
            return none;
        }
        const int number = next.number();
        next.finish();
        return number;
    }
    std::vector<int> take_all() {
        std::vector<int> numbers;
        for (int number = take_one(); number != none; number = take_one()) {
            numbers.push_back(number);
        }
        return numbers;
    }
};

using numbers = std::vector<int>;

template <std::size_t Slots>
void check_order() {
    number_lane<Slots> lane;
    int next_in = 0;
    int next_out = 0;
    for (const int row : {1, 2, 1, 3, 7, 2, 200, 1}) { // each across other borders of blocks
        for (int i = 0; i < row; ++i) {
            lane.store(next_in++);
        }
        for (int i = 0; i < row; ++i) {
            CHECK(lane.take_one() == next_out++);
        }
        CHECK(lane.take_one() == none);
    }
}

} // namespace

TEST_CASE("what a lane is given comes out in the same order, whatever the size of its blocks") {
    check_order<1>();
    check_order<2>();
    check_order<3>();
    check_order<63>();
}

TEST_CASE("a lane that was never stored in has nothing to take") {
    number_lane<2> lane;
    CHECK(lane.take_one() == none);
    CHECK_FALSE(lane.may_have_tasks());
    CHECK_FALSE(lane.seems_used());
    CHECK(lane.pushed() == 0);
    CHECK(lane.taken() == 0);
}

TEST_CASE("a lane counts what was stored in it and what was taken") {
    number_lane<2> lane;
    lane.store_from_to(1, 5);
    CHECK(lane.pushed() == 5);
    CHECK(lane.taken() == 0);
    CHECK(lane.seems_used());
    CHECK(lane.take_one() == 1);
    CHECK(lane.take_one() == 2);
    CHECK(lane.take_one() == 3);
    CHECK(lane.pushed() == 5);
    CHECK(lane.taken() == 3);
    CHECK(lane.may_have_tasks());
    CHECK(lane.take_all() == numbers{4, 5});
    CHECK(lane.taken() == 5);
    CHECK_FALSE(lane.seems_used());
    CHECK_FALSE(lane.may_have_tasks());
}

TEST_CASE("a slot that is still being filled holds back what is stored behind it") {
    number_lane<2> lane;
    slot& outer = lane.reserve_one();
    CHECK(lane.take_one() == none);
    slot& inner = lane.reserve_one();
    lane.store(3); // in the next block
    lane.publish_number(inner, 2);
    CHECK(lane.take_one() == none);
    CHECK_FALSE(lane.may_have_tasks());
    CHECK(lane.seems_used());
    lane.publish_number(outer, 1);
    CHECK(lane.may_have_tasks());
    CHECK(lane.take_all() == numbers{1, 2, 3});
}

TEST_CASE("a buried slot is passed over") {
    number_lane<2> lane;
    number_lane<2>::bury(lane.reserve_one());
    CHECK(lane.take_one() == none);
    CHECK_FALSE(lane.may_have_tasks());
    CHECK(lane.pushed() == 0);
    lane.store(1);
    for (int i = 0; i < 5; ++i) { // more than a block of them
        number_lane<2>::bury(lane.reserve_one());
    }
    lane.store(2);
    number_lane<2>::bury(lane.reserve_one());
    CHECK(lane.may_have_tasks());
    CHECK(lane.take_all() == numbers{1, 2});
    CHECK_FALSE(lane.may_have_tasks());
    CHECK(lane.taken() == 2);
}

TEST_CASE("a slot that was buried can be used again when its block is") {
    number_lane<2> lane;
    std::set<const void*> places;
    for (int i = 0; i < 100; ++i) {
        slot& next = lane.reserve_one(); // which sees that it is empty
        places.insert(&next);
        number_lane<2>::bury(next);
        CHECK(lane.take_one() == none);
    }
    CHECK(places.size() <= 3 * 2); // the last block, the one before it, and one spare
    lane.store(1);
    CHECK(lane.take_one() == 1);
}

TEST_CASE("a lane that is kept up with goes to and fro between the same few blocks") {
    number_lane<3> lane;
    std::set<const void*> places;
    for (int i = 0; i < 1000; ++i) {
        places.insert(&lane.store(i));
        REQUIRE(lane.take_one() == i);
    }
    CHECK(places.size() <= 3 * 3); // the last block, the one before it, and one spare
}

TEST_CASE("a block is not used again before its last task is done") {
    number_lane<2> lane;
    std::vector<one_taker<2>> running;
    std::set<const slot*> held;
    for (int i = 0; i < 3; ++i) { // the first of each block
        held.insert(&lane.store(2 * i));
        lane.store(2 * i + 1);
        running.emplace_back();
        REQUIRE(lane.try_take(running.back()));
        CHECK(running.back().number() == 2 * i);
        CHECK(lane.take_one() == 2 * i + 1);
    }
    for (int i = 0; i < 50; ++i) {
        CHECK(held.count(&lane.store(i)) == 0);
        CHECK(lane.take_one() == i);
    }
    for (one_taker<2>& one : running) {
        one.finish();
    }
    for (int i = 0; i < 50; ++i) {
        lane.store(i);
        CHECK(lane.take_one() == i);
    }
}

TEST_CASE("a block is not used again before the taking side has left it") {
    number_lane<2> lane;
    const slot* const first = &lane.store(1);
    const slot* const second = &lane.store(2);
    CHECK(lane.take_all() == numbers{1, 2}); // all done, but nothing to go on to
    const slot* const third = &lane.store(3);
    CHECK(third != first);
    CHECK(third != second);
    CHECK(lane.take_one() == 3);
}

TEST_CASE("a slot that is given up at once is the next one again, else it is buried") {
    number_lane<2> lane;
    for (int i = 0; i < 5; ++i) { // also the first and the last one of a block
        slot& given_up = lane.reserve_one();
        CHECK(lane.unreserve(given_up));
        CHECK(given_up.type.load() == nullptr);
        CHECK(&lane.store(i) == &given_up);
        CHECK(lane.take_one() == i);
    }
    slot& outer = lane.reserve_one();
    slot& inner = lane.reserve_one();
    CHECK_FALSE(lane.unreserve(outer));
    CHECK(lane.unreserve(inner));
    CHECK(lane.take_one() == none);
    CHECK(&lane.store(1) == &inner);
    CHECK(lane.take_one() == 1);
    CHECK(lane.pushed() == lane.taken());
}

TEST_CASE("a row of tasks may be finished at once") {
    number_lane<2> lane;
    const slot* const first = &lane.store(1);
    lane.store_from_to(2, 3);
    one_taker<2> one;
    one_taker<2> two;
    REQUIRE(lane.try_take(one));
    REQUIRE(lane.try_take(two));
    CHECK(lane.take_one() == 3); // now the taking side has moved on
    one.from->type.store(nullptr);
    two.from->type.store(nullptr);
    two.in->finish(2);
    lane.store(4);
    CHECK(&lane.store(5) == first);
}

TEST_CASE("while one worker takes, others neither wait nor believe that there is nothing") {
    number_lane<2> lane;
    lane.store_from_to(1, 2);
    struct nosy_taker : one_taker<2> {
        number_lane<2>* lane = nullptr;
        bool could_take = true;
        bool saw_tasks = false;
        std::uint32_t take(slot& first, block<2>& of, std::uint32_t tasks) noexcept {
            one_taker<2>::take(first, of, tasks);
            one_taker<2> other;
            could_take = lane->try_take(other);
            saw_tasks = lane->may_have_tasks();
            return tasks;
        }
    } taker;
    taker.lane = &lane;
    REQUIRE(lane.try_take(taker));
    CHECK(taker.number() == 1);
    CHECK_FALSE(taker.could_take);
    CHECK(taker.saw_tasks);
    taker.finish();
    one_taker<2> last;
    REQUIRE(lane.take(last)); // the one that waits
    CHECK(last.number() == 2);
    last.finish();
    CHECK_FALSE(lane.take(last));
}

TEST_CASE(
    "who has taken a task learns whether another stands behind it, in its block or the next") {
    number_lane<2> lane;
    lane.store(1);
    one_taker<2> first;
    REQUIRE(lane.try_take(first));
    CHECK_FALSE(lane.may_have_tasks_behind(*first.from, *first.in));
    lane.store(2);
    CHECK(lane.may_have_tasks_behind(*first.from, *first.in));
    one_taker<2> second;
    REQUIRE(lane.try_take(second));
    CHECK_FALSE(lane.may_have_tasks_behind(*second.from, *second.in)); // the last of its block
    lane.store(3);
    CHECK(lane.may_have_tasks_behind(*second.from, *second.in));
    CHECK(lane.take_one() == 3);
    CHECK_FALSE(lane.may_have_tasks_behind(*second.from, *second.in));
    first.finish();
    second.finish();
}

TEST_CASE("a worker that may not take any more leaves a task where it is") {
    number_lane<2> lane;
    lane.store(1);
    one_taker<2> dismissed;
    dismissed.is_allowed = false;
    CHECK_FALSE(lane.try_take(dismissed));
    CHECK_FALSE(lane.take(dismissed));
    CHECK(dismissed.from == nullptr);
    CHECK(lane.taken() == 0);
    CHECK(lane.may_have_tasks());
    CHECK(lane.take_one() == 1);
}

TEST_CASE("the task that was stored last can be recalled while nobody has taken it") {
    number_lane<2> lane;
    for (int before = 0; before < 5; ++before) { // in the first block or up to two behind it
        CAPTURE(before);
        lane.store_from_to(1, before);
        slot& stored = lane.store(100);
        const std::uint64_t pushed = lane.pushed();
        CHECK(lane.try_recall(stored));
        CHECK(lane.pushed() == pushed - 1);
        CHECK(lane.take_all().size() == static_cast<std::size_t>(before));
        lane.store(101); // the slot is reserved again
        CHECK(lane.take_one() == none);
        lane.publish_number(stored, 102);
        CHECK(lane.take_all() == numbers{102, 101});
        CHECK(lane.pushed() == lane.taken());
    }
}

TEST_CASE("a recalled task can be buried") {
    number_lane<2> lane;
    for (int i = 0; i < 20; ++i) {
        slot& stored = lane.store(i);
        CHECK(lane.try_recall(stored));
        number_lane<2>::bury(stored);
        CHECK(lane.take_one() == none);
        CHECK_FALSE(lane.may_have_tasks());
    }
    CHECK(lane.pushed() == 0);
    CHECK(lane.taken() == 0);
}

TEST_CASE("a task that a worker has taken can't be recalled, wherever the worker has got to") {
    number_lane<2> lane;
    for (int behind = 0; behind < 6; ++behind) {
        CAPTURE(behind);
        slot& stored = lane.store(0);
        one_taker<2> running;
        REQUIRE(lane.try_take(running));
        CHECK_FALSE(lane.try_recall(stored));
        lane.store_from_to(1, behind);
        CHECK_FALSE(lane.try_recall(stored));
        CHECK(lane.take_all().size() == static_cast<std::size_t>(behind));
        CHECK_FALSE(lane.try_recall(stored));
        const std::uint64_t pushed = lane.pushed();
        running.finish();
        CHECK_FALSE(lane.try_recall(stored));
        CHECK(lane.pushed() == pushed);
        CHECK(lane.pushed() == lane.taken());
    }
}

TEST_CASE("a lane goes with all its blocks, full, empty or spare") {
    { number_lane<2>(); }
    number_lane<2> lane; // the leak checker sees to the rest
    lane.store_from_to(1, 20);
    for (int i = 1; i <= 11; ++i) {
        CHECK(lane.take_one() == i);
    }
    basic_lane<2> never_prepared;
    CHECK(never_prepared.pushed() == 0);
}
