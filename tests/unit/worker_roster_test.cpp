// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/worker_roster.hpp>

#include "catch.hpp"

using namespace faf::detail;

namespace {

/// Lanes without a pool.
class own_lanes {
public:
    ~own_lanes() { lanes_.release(); }
    operator lane_set&() const { return lanes_; }

private:
    lane_set& lanes_ = *new lane_set;
};

const own_lanes no_lanes;

worker& hire(worker_roster& roster) {
    auto* const recruit = new worker(no_lanes, *static_cast<lane_set&>(no_lanes).lend_claim());
    roster.add(recruit);
    return *recruit;
}

/// As a worker does that leaves.
void leave(worker_roster& roster, worker& gone) {
    roster.let_go(gone);
    delete &gone;
}

} // namespace

TEST_CASE("workers are numbered from one, and no number comes twice") {
    worker_roster roster(no_lanes);
    worker& first = hire(roster);
    CHECK(first.number == 1);
    CHECK(hire(roster).number == 2);
    leave(roster, first);
    CHECK(hire(roster).number == 3);
}

TEST_CASE("a worker has the smallest index that is free") {
    worker_roster roster(no_lanes);
    worker& first = hire(roster);
    worker& second = hire(roster);
    worker& third = hire(roster);
    CHECK(first.info.index == 0);
    CHECK(second.info.index == 1);
    CHECK(third.info.index == 2);
    leave(roster, second);
    leave(roster, first);
    CHECK(hire(roster).info.index == 0);
    CHECK(hire(roster).info.index == 1);
    CHECK(hire(roster).info.index == 3);
}

TEST_CASE("workers that have left are no longer alive") {
    worker_roster roster(no_lanes);
    CHECK(roster.alive() == 0);
    CHECK(roster.is_deserted());
    worker& first = hire(roster);
    worker& second = hire(roster);
    worker& third = hire(roster);
    CHECK(roster.alive() == 3);
    CHECK_FALSE(roster.is_deserted());
    leave(roster, second);
    CHECK(roster.alive() == 2);
    leave(roster, first);
    leave(roster, third);
    CHECK(roster.alive() == 0);
    CHECK(roster.is_deserted());
}

TEST_CASE("what a worker has counted stays when it has left") {
    worker_roster roster(no_lanes);
    worker& first = hire(roster);
    worker& second = hire(roster);
    first.counts.add(fate::succeeded);
    first.counts.add(fate::failed);
    second.counts.add(fate::succeeded);
    second.counts.add(fate::dropped);
    leave(roster, first);
    const auto check = [&] {
        const task_counts all = roster.counts();
        CHECK(all.succeeded == 2);
        CHECK(all.failed == 1);
        CHECK(all.dropped() == 1);
        CHECK(all.all() == 4);
    };
    check();
    leave(roster, second);
    check();
}

TEST_CASE("a pool grew while the workers that it had just hired waited for a processor to begin") {
    worker_roster roster(no_lanes);
    hire(roster);
    hire(roster);
    for (const auto idle :
         {worker_roster::between_tasks::able, worker_roster::between_tasks::as_seen}) {
        CHECK(roster.count_able(2, steady_time(std::chrono::hours(1)), idle) == 2);
    }
}
