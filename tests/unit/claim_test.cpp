// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/worker.hpp>

#include "catch.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace {

using namespace faf::detail;
using faf::priority;

constexpr task_vtable nothing{};

/// Slots that stand next to each other, and who claims them.
struct some_slots {
    slot places[8];

    slot_run run(std::uint32_t count, std::uint32_t from = 0) {
        return {&places[from], nullptr, count};
    }
};

void put(claim& in, const slot_run& taken) {
    const bool is_locked = taken.count > 1 && in.try_lock();
    REQUIRE(is_locked == (taken.count > 1));
    in.put(taken, claim::counted::here);
    if (is_locked) {
        in.unlock();
    }
}

slot* begin_next(claim& in) {
    slot* begun = nullptr;
    const bool has_next = in.begin_next([&](slot& next) { begun = &next; });
    CHECK(has_next == (begun != nullptr));
    return begun;
}

/// Ends what runs, with `ended`, and begins the next.
template <class Ended>
slot* go_on(claim& in, Ended ended) {
    slot* begun = nullptr;
    const bool has_next = in.go_on(ended, [&](slot& next) { begun = &next; });
    CHECK(has_next == (begun != nullptr));
    return begun;
}

slot_run withdraw(claim& from) {
    from.lock();
    const slot_run left = from.withdraw();
    from.unlock();
    return left;
}

/// Lanes, one of them with tasks that do nothing.
class lanes_of_nothing {
public:
    lanes_of_nothing() { all.bell.begin(0); }
    ~lanes_of_nothing() { all.release(); }

    void store(int tasks, priority level = priority::normal) {
        pool_lane*& lane = lanes_[static_cast<std::size_t>(level)];
        lane = lane != nullptr ? lane : all.lend(level);
        for (int i = 0; i < tasks; ++i) {
            REQUIRE(lane->has_room());
            lane->publish(lane->reserve(), nothing);
        }
    }

    lane_set& all = *new lane_set;

private:
    pool_lane* lanes_[priorities]{};
};

/// How many tasks `one` gets with its next look, which it finishes.
std::uint32_t take_run(worker& one) {
    std::uint32_t count = 0;
    if (one.search.take_next(one.taker, one.turn)) {
        do {
            ++count;
            one.taker.finish_slot();
            CHECK(one.taker.end());
        } while (one.taker.begin_next());
    }
    one.taker.flush();
    return count;
}

/// Has `one` begin a task and claim three more, as by a run of four.
void claim_four(lanes_of_nothing& in, worker& one) {
    in.store(4);
    pool_lane* const lane = in.all.first(1);
    REQUIRE(lane->try_take(one.taker, 4) == 4);
}

std::unique_ptr<worker> hire(lanes_of_nothing& in) {
    return std::make_unique<worker>(in.all, *in.all.lend_claim());
}

} // namespace

TEST_CASE("a run of tasks is begun one after the other, in order") {
    some_slots of;
    claim own;
    put(own, of.run(4));
    CHECK(&own.begun() == &of.places[0]);
    CHECK(own.unbegun() == 3);
    CHECK(own.end());
    for (int i = 1; i < 4; ++i) {
        CHECK(begin_next(own) == &of.places[i]);
        CHECK(&own.begun() == &of.places[i]);
        CHECK(own.end());
    }
    CHECK(begin_next(own) == nullptr);
    CHECK_FALSE(own.has_unbegun());
}

TEST_CASE("what is not begun can be withdrawn, and is not begun then") {
    some_slots of;
    claim own;
    put(own, of.run(5));
    CHECK(own.end());
    CHECK(begin_next(own) == &of.places[1]);
    const slot_run left = withdraw(own);
    CHECK(left.first == &of.places[2]);
    CHECK(left.count == 3);
    CHECK_FALSE(own.has_unbegun());
    CHECK(withdraw(own).count == 0);
    CHECK(own.end());
    CHECK(begin_next(own) == nullptr);
    CHECK_FALSE(own.has_task());
}

TEST_CASE("nothing can be withdrawn of a single task, or of a run that is over") {
    some_slots of;
    claim own;
    CHECK(withdraw(own).count == 0);
    put(own, of.run(1));
    CHECK(withdraw(own).count == 0);
    CHECK(own.end());
    put(own, of.run(2));
    CHECK(own.end());
    CHECK(begin_next(own) == &of.places[1]);
    CHECK(withdraw(own).count == 0);
    CHECK(own.end());
}

TEST_CASE("a claim goes on after tasks were withdrawn from it") {
    some_slots of;
    claim own;
    put(own, of.run(3));
    CHECK(withdraw(own).count == 2);
    CHECK(own.end());
    CHECK(begin_next(own) == nullptr);
    put(own, of.run(1, 3)); // a single one, which does not touch what is shared
    CHECK(own.end());
    put(own, of.run(3, 4));
    CHECK(own.unbegun() == 2);
    CHECK(own.end());
    CHECK(begin_next(own) == &of.places[5]);
    const slot_run left = withdraw(own);
    CHECK(left.first == &of.places[6]);
    CHECK(left.count == 1);
    CHECK(own.end());
}

TEST_CASE("a task is given up once, and its number is no other task's") {
    some_slots of;
    claim own;
    CHECK(own.give_up() == claim::given_up::nothing);
    put(own, of.run(3));
    CHECK(own.has_task());
    CHECK(own.give_up() == claim::given_up::task);
    CHECK(own.give_up() == claim::given_up::nothing);
    CHECK(own.is_given_up());
    CHECK_FALSE(own.has_task());
    CHECK(withdraw(own).count == 2); // what is not begun is not given up with it
    CHECK_FALSE(own.end());
    CHECK_FALSE(own.is_given_up());
    CHECK(begin_next(own) == nullptr);
    put(own, of.run(1));
    CHECK(own.end());
}

TEST_CASE("who ends a task and begins the next at once is told whether the first was given up") {
    some_slots of;
    claim own;
    bool ends_here = false;
    const auto ended = [&](bool here) { ends_here = here; };
    put(own, of.run(4));
    CHECK(go_on(own, ended) == &of.places[1]);
    CHECK(ends_here);
    CHECK(own.has_task());
    CHECK(own.unbegun() == 2);
    CHECK(own.give_up() == claim::given_up::task);
    CHECK(go_on(own, ended) == &of.places[2]);
    CHECK_FALSE(ends_here);
    CHECK_FALSE(own.is_given_up());
    CHECK(withdraw(own).first == &of.places[3]);
    CHECK(own.has_more()); // as far as it knows
    CHECK(go_on(own, ended) == nullptr);
    CHECK(ends_here);
    CHECK_FALSE(own.has_more());
    CHECK_FALSE(own.has_task());
    put(own, of.run(1));
    CHECK(own.end());
}

TEST_CASE("a task can be given up while its owner is about to begin it") {
    some_slots of;
    claim own;
    put(own, of.run(3));
    CHECK(own.give_up() == claim::given_up::task);
    CHECK(go_on(own, [&](bool ends_here) {
              CHECK_FALSE(ends_here);
              CHECK(own.give_up() == claim::given_up::task); // the next
              CHECK(own.give_up() == claim::given_up::nothing);
          }) == &of.places[1]);
    CHECK(own.is_given_up());
    CHECK(go_on(own, [&](bool ends_here) {
              CHECK_FALSE(ends_here);
              CHECK(withdraw(own).count == 0);
          }) == &of.places[2]);
    CHECK(own.end());
}

TEST_CASE("what is passing is given up as that, unless it comes back before") {
    some_slots of;
    claim own;
    put(own, of.run(1));
    CHECK(own.pass_on());
    CHECK_FALSE(own.has_task());
    CHECK(own.give_up() == claim::given_up::passing);
    CHECK_FALSE(own.come_back());
    CHECK_FALSE(own.end());
    put(own, of.run(1));
    CHECK(own.pass_on());
    CHECK(own.come_back());
    CHECK(own.give_up() == claim::given_up::task);
    CHECK_FALSE(own.pass_on()); // it has been given up as a task
    CHECK_FALSE(own.end());
}

TEST_CASE("a worker claims several tasks when nobody is idle, and one when somebody is") {
    lanes_of_nothing in;
    const auto one = hire(in);
    in.store(2000);
    std::uint32_t longest = 0;
    std::uint32_t all = 0;
    while (all < 1000) {
        const std::uint32_t taken = take_run(*one);
        REQUIRE(taken > 0);
        longest = taken > longest ? taken : longest;
        all += taken;
    }
    CHECK(longest > 1); // how far it gets depends on the clock
    CHECK(longest <= run_length::most);
    in.all.bell.begin(1); // somebody sleeps
    for (; all < 2000; ++all) {
        REQUIRE(take_run(*one) == 1);
    }
    CHECK(take_run(*one) == 0);
}

TEST_CASE("whoever looks claims one task, without asking whether somebody is idle") {
    lanes_of_nothing in;
    const auto one = hire(in);
    in.store(1000);
    one->turn = doorbell::turn::mine; // of which the doorbell knows nothing here
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(take_run(*one) == 1);
    }
    one->turn = doorbell::turn::of_another;
    in.store(1000);
    std::uint32_t longest = 0;
    for (std::uint32_t all = 0; all < 1000;) {
        const std::uint32_t taken = take_run(*one);
        REQUIRE(taken > 0);
        longest = taken > longest ? taken : longest;
        all += taken;
    }
    CHECK(longest > 1);
}

TEST_CASE("twice as many are taken as last time if that was done soon, else one") {
    using namespace std::chrono_literals;
    run_length runs;
    steady_time now(1h);
    CHECK(runs.next(now) == 1);
    for (const std::uint32_t length : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 64U}) {
        CHECK(runs.next(now) == length);
        runs.take(now, length);
        now += run_length::soon - 1ns;
    }
    CHECK(runs.next(now) == 64);
    CHECK(runs.next(now + 1ns) == 1);
    runs.take(now + 1ns, 1);
    CHECK(runs.next(now + 2ns) == 2);
}

TEST_CASE("a worker claims no further than to the end of a block") {
    lanes_of_nothing in;
    const auto one = hire(in);
    for (std::size_t block = 1; block < 20; ++block) {
        in.store(static_cast<int>(slots_per_block));
        std::uint32_t taken = 0;
        while (taken < slots_per_block) {
            taken += take_run(*one);
        }
        REQUIRE(taken == slots_per_block);
    }
}

TEST_CASE("a worker does not claim tasks that others would come in between") {
    lanes_of_nothing in;
    const auto one = hire(in);
    in.store(40);
    in.store(1, priority::high);
    CHECK(take_run(*one) == 1); // the high one
    CHECK(take_run(*one) == 1); // there may be more of that soon
    lanes_of_nothing low;
    const auto other = hire(low);
    low.store(40);
    low.store(40, priority::low);
    for (int i = 0; i < 10; ++i) { // of 16 looks one begins with low
        const std::uint32_t taken = take_run(*other);
        CHECK(taken >= 1);
        CHECK(taken <= 8);
    }
}

TEST_CASE("a worker whose claim is being withdrawn from takes one task, and does not wait") {
    lanes_of_nothing in;
    const auto one = hire(in);
    in.store(4);
    one->taker.its().lock();
    for (int i = 0; i < 4; ++i) {
        CHECK(take_run(*one) == 1);
    }
    one->taker.its().unlock();
    CHECK(take_run(*one) == 0);
}

TEST_CASE("workers of a pool that may displace tasks claim none") {
    lanes_of_nothing in;
    in.all.have_taken_singly();
    const auto one = hire(in);
    in.store(40);
    for (int i = 0; i < 40; ++i) {
        REQUIRE(take_run(*one) == 1);
    }
}

TEST_CASE("a worker takes over what another has claimed and not begun") {
    lanes_of_nothing in;
    const auto one = hire(in);
    const auto other = hire(in);
    CHECK(other->take_over() == 0);
    claim_four(in, *one);
    CHECK(in.all.taken() == 1);
    CHECK(in.all.may_have_tasks());
    CHECK(in.all.has_task_at_hand());
    one->taker.its().lock(); // as who was stopped there
    CHECK(in.all.may_have_tasks());
    CHECK_FALSE(in.all.has_task_at_hand());
    CHECK(other->take_over() == 0);
    one->taker.its().unlock();
    CHECK(other->take_over() == 3);
    CHECK(in.all.taken() == 2);
    CHECK(one->take_over() == 2); // what the other has not begun: it is the same for all
    for (worker* each : {one.get(), other.get()}) {
        each->taker.finish_slot();
    }
    CHECK(in.all.taken() == 3);
}

TEST_CASE("who is taken over from only if he stands still is let alone if he does not") {
    lanes_of_nothing in;
    const auto one = hire(in);
    const auto other = hire(in);
    claim_four(in, *one);
    claim& its = one->taker.its();
    CHECK_FALSE(its.stands_still());
    CHECK(other->take_over(worker::from::who_stands_still) == 0);
    its.note_progress();
    CHECK(its.stands_still());
    one->taker.finish_slot();
    CHECK(one->taker.end());
    CHECK(one->taker.begin_next());
    CHECK(other->take_over(worker::from::who_stands_still) == 0);
    its.note_progress();
    CHECK(other->take_over(worker::from::who_stands_still) == 2);
    for (worker* each : {one.get(), other.get()}) {
        each->taker.finish_slot();
        each->taker.flush();
    }
}

TEST_CASE("what waits longest in a claim can be looked at, and stays there") {
    lanes_of_nothing in;
    const auto one = hire(in);
    claim& its = one->taker.its();
    const slot* seen = nullptr;
    const auto look = [&](const slot& first) { seen = &first; };
    its.look_at_first(look);
    CHECK(seen == nullptr);
    claim_four(in, *one);
    its.look_at_first(look);
    CHECK(seen == &one->taker.taken() + 1);
    CHECK(its.unbegun() == 3);
    one->taker.finish_slot();
    CHECK(one->taker.end());
    CHECK(one->taker.begin_next());
    CHECK(&one->taker.taken() == seen);
    its.lock(); // as who was stopped there
    its.look_at_first([&](const slot&) { seen = nullptr; });
    CHECK(seen != nullptr);
    its.unlock();
    one->taker.finish_slot();
    one->taker.flush();
}

TEST_CASE("nobody takes over when the lanes are over: that is left to who closes") {
    lanes_of_nothing in;
    const auto one = hire(in);
    const auto other = hire(in);
    claim_four(in, *one);
    in.all.end();
    CHECK(other->take_over() == 0);
    CHECK(withdraw(one->taker.its()).count == 3);
}

TEST_CASE("what a worker leaves behind in its claim can be had, and the claim is not lent before") {
    lanes_of_nothing in;
    auto gone = hire(in);
    const claim* const left = &gone->taker.its();
    claim_four(in, *gone);
    gone->taker.finish_slot();
    CHECK(gone->taker.end());
    gone->taker.flush();
    gone.reset();
    CHECK(in.all.may_have_tasks());
    const auto one = hire(in);
    CHECK(&one->taker.its() != left);
    CHECK(one->take_over() == 3);
    const auto next = hire(in);
    CHECK(&next->taker.its() == left);
    one->taker.finish_slot();
    CHECK(one->taker.end());
}
