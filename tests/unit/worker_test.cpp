// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/pool/worker.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "make_task.hpp"

#include <cstddef>
#include <cstring>
#include <set>

namespace {

using namespace faf::detail;
using faf::failure;
using faf::testing::error_recorder;
using faf_test::make_task;

constexpr task_vtable nothing{};

/// One lane of a pool, and tasks in it that do nothing.
class lane_of_nothing {
public:
    ~lane_of_nothing() { lanes_.release(); }

    slot& store(const faf::call_site& where = faf::call_site::current()) {
        slot& place = reserve(where);
        lane_->publish(place, nothing);
        return place;
    }
    slot& store(task_node& node) {
        slot& place = reserve(node.where);
        const task_node* const address = &node;
        std::memcpy(place.closure, &address, sizeof address);
        lane_->publish(place, in_node);
        return place;
    }
    void hand_to(task_taker& taker) { REQUIRE(lane_->try_take(taker)); }
    void store_and_hand_to(task_taker& taker) {
        store();
        hand_to(taker);
    }
    pool_lane& operator*() noexcept { return *lane_; }
    lane_set& all() const noexcept { return lanes_; }

private:
    slot& reserve(const faf::call_site& where) {
        REQUIRE(lane_->has_room());
        slot& place = lane_->reserve();
        place.where = where;
        return place;
    }

    lane_set& lanes_ = *new lane_set;
    pool_lane* lane_ = lanes_.lend(faf::priority::normal);
};

/// Takes as a worker does, for itself.
struct free_claim {
    claim own;
};
class single_taker : private free_claim, public task_taker {
public:
    single_taker() noexcept : task_taker(own) {}

    bool write_off(abandoned_tasks& abandoned) noexcept {
        return faf::detail::write_off(own, abandoned).tasks == 1;
    }
    bool is_written_off() const noexcept { return own.is_given_up(); }
};

} // namespace

TEST_CASE("counts grow one by one, each fate for itself, and can be added") {
    running_counts counts;
    CHECK(counts.read().all() == 0);
    counts.add(fate::succeeded);
    counts.add(fate::succeeded);
    counts.add(fate::succeeded);
    counts.add(fate::failed);
    counts.add(fate::failed);
    counts.add(fate::dropped);
    task_counts sum = counts.read();
    CHECK(sum.succeeded == 3);
    CHECK(sum.failed == 2);
    CHECK(sum.dropped() == 1);
    CHECK(sum.all() == 6);
    sum += task_counts{10, 20, 30};
    CHECK(sum.succeeded == 13);
    CHECK(sum.failed == 22);
    CHECK(sum.dropped() == 31);
}

TEST_CASE("a task that was taken ends once") {
    lane_of_nothing lane;
    single_taker taker;
    for (int i = 0; i < 3; ++i) {
        lane.store_and_hand_to(taker);
        taker.finish_slot();
        CHECK(taker.end());
    }
}

TEST_CASE("a running task can be written off once, and then its end does not count") {
    const error_recorder errors;
    lane_of_nothing lane;
    single_taker taker;
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        CHECK_FALSE(taker.write_off(abandoned)); // nothing runs
        CHECK_FALSE(taker.is_written_off());
        lane.store_and_hand_to(taker);
        CHECK(taker.write_off(abandoned));
        CHECK(taker.is_written_off());
        CHECK_FALSE(taker.write_off(abandoned));
        taker.finish_slot();
        CHECK_FALSE(taker.end());
        CHECK_FALSE(taker.is_written_off());
        CHECK_FALSE(taker.write_off(abandoned));
        lane.store_and_hand_to(taker); // the next one is another task
        taker.finish_slot();
        CHECK(taker.end());
        CHECK_FALSE(taker.write_off(abandoned));
    }
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::abandoned);
    CHECK(errors.errors()[0].suppressed == 0);
}

TEST_CASE("a task that is written off is reported with its place and name") {
    const error_recorder errors;
    lane_of_nothing lane;
    const faf::call_site where = faf::call_site::current();
    const task_ptr task = make_task([] {}, {.name = "slow", .where = where});
    slot& stored = lane.store(*task);
    single_taker taker;
    lane.hand_to(taker);
    CHECK(&taker.taken() == &stored);
    CHECK(node_in(stored) == task.get());
    CHECK(taker.where().line() == where.line());
    taker.finish_slot();
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        CHECK(taker.write_off(abandoned));
    }
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "slow");
    CHECK(errors.errors()[0].where.line() == where.line());
}

TEST_CASE("a name does not stay for the next task, the place of the last task does") {
    const error_recorder errors;
    lane_of_nothing lane;
    const task_ptr task = make_task([] {}, {.name = "slow"});
    lane.store(*task);
    single_taker taker;
    lane.hand_to(taker);
    taker.finish_slot();
    CHECK(taker.end());
    const faf::call_site where = faf::call_site::current();
    lane.store(where);
    lane.hand_to(taker);
    CHECK(node_in(taker.taken()) == nullptr);
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        CHECK(taker.write_off(abandoned));
    }
    taker.finish_slot();
    CHECK_FALSE(taker.end());
    CHECK(taker.where().line() == where.line());
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task.empty());
}

TEST_CASE("a slot is empty when its task is finished") {
    lane_of_nothing lane;
    slot& stored = lane.store();
    single_taker taker;
    lane.hand_to(taker);
    CHECK(stored.type.load() == &nothing);
    taker.finish_slot();
    CHECK(stored.type.load() == nullptr);
}

TEST_CASE("a worker that keeps up has blocks used again without being told to flush") {
    lane_of_nothing lane;
    single_taker taker;
    std::set<const slot*> places;
    for (std::size_t i = 0; i < 20 * slots_per_block; ++i) {
        places.insert(&lane.store());
        lane.hand_to(taker);
        taker.finish_slot();
        REQUIRE(taker.end());
    }
    CHECK(places.size() <= 4 * slots_per_block);
}

TEST_CASE("a block goes back to its lane when the worker is told to flush, not before") {
    lane_of_nothing lane;
    single_taker taker;
    taker.flush(); // of nothing
    const slot* const first = &lane.store();
    for (std::size_t i = 1; i < slots_per_block; ++i) {
        lane.store();
    }
    lane.store(); // in the second block
    for (std::size_t i = 0; i < slots_per_block; ++i) {
        lane.hand_to(taker);
        taker.finish_slot();
    }
    pool_lane& stored_in = *lane;
    single_taker other;
    REQUIRE(stored_in.try_take(other)); // somebody else moves the taking side on
    other.finish_slot();
    other.flush();
    taker.flush();
    taker.flush();
    for (std::size_t i = 1; i < slots_per_block; ++i) {
        CHECK(&lane.store() != first);
    }
    CHECK(&lane.store() == first);
}

TEST_CASE("a worker takes nothing any more when the lanes are over, who closes them does") {
    lane_of_nothing lane;
    faf::detail::worker worker(lane.all(), *lane.all().lend_claim());
    lane.store();
    CHECK(worker.taker.may_take());
    lane.all().end();
    CHECK_FALSE(worker.taker.may_take());
    CHECK_FALSE(worker.take_next());
    CHECK_FALSE(worker.taker.its().has_task()); // nor does it run anything
    single_taker closing;
    lane.hand_to(closing);
    closing.finish_slot();
    closing.flush();
    CHECK(closing.end());
}

TEST_CASE("a worker looks for its next task in all lanes") {
    lane_of_nothing lane;
    faf::detail::worker worker(lane.all(), *lane.all().lend_claim());
    CHECK_FALSE(worker.take_next());
    slot& stored = lane.store();
    CHECK(worker.take_next());
    CHECK(&worker.taker.taken() == &stored);
    CHECK_FALSE(worker.take_next());
    worker.taker.finish_slot();
    CHECK(worker.taker.end());
    worker.taker.flush();
}

TEST_CASE("a worker that has begun a task learns whether there is another, in any lane") {
    lane_of_nothing lane;
    pool_lane& other = *lane.all().lend(faf::priority::high);
    const auto store_in_other = [&] {
        REQUIRE(other.has_room());
        other.publish(other.reserve(), nothing);
    };
    worker self(lane.all(), *lane.all().lend_claim());
    const auto begin_one = [&] { REQUIRE(self.take_next()); };
    const auto sees_more = [&] { return lane.all().may_have_tasks_besides(self.taker.its()); };
    const auto end_it = [&] {
        self.taker.finish_slot();
        CHECK(self.taker.end());
    };
    lane.store();
    begin_one();
    CHECK_FALSE(sees_more());
    lane.store();
    CHECK(sees_more());
    end_it();
    begin_one();
    CHECK_FALSE(sees_more());
    store_in_other();
    CHECK(sees_more());
    lane.all().end();
    CHECK_FALSE(sees_more());
    end_it();
    self.taker.flush();
}
