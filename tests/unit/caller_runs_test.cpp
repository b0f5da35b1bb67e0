// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/caller_runs.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <thread>

namespace {

using namespace faf::detail;
using faf::testing::error_recorder;

/// As if another thread ran it.
caller_runs::run run_elsewhere(const char* name) {
    caller_runs::run one;
    one.name = name;
    one.thread = std::thread::id();
    return one;
}

} // namespace

TEST_CASE("tasks that callers run are counted while they run and by what became of them") {
    caller_runs all;
    caller_runs::run first;
    caller_runs::run second;
    caller_runs::run third;
    all.enter(first);
    all.enter(second);
    all.enter(third);
    CHECK(all.entered() == 3);
    CHECK(all.running() == 3);
    CHECK_FALSE(all.leave(second, fate::succeeded)); // from the middle
    CHECK_FALSE(all.leave(first, fate::failed));
    CHECK_FALSE(all.leave(third, fate::cancelled));
    CHECK(all.running() == 0);
    CHECK(all.entered() == 3);
    CHECK(all.ended().succeeded == 1);
    CHECK(all.ended().failed == 1);
    CHECK(all.ended().cancelled == 1);
    CHECK(all.ended().all() == 3);
}

TEST_CASE("tasks that callers still run are given up once, but not those of the calling thread") {
    const error_recorder errors;
    caller_runs all;
    caller_runs::run own;
    caller_runs::run other = run_elsewhere("another's");
    caller_runs::run last = run_elsewhere("the last");
    all.enter(own);
    all.enter(other);
    all.enter(last);
    {
        abandoned_tasks abandoned(foreign_host(), steady_time::max());
        CHECK(all.write_off(abandoned) == 2);
        CHECK(all.write_off(abandoned) == 0);
    }
    CHECK(errors.count() == 2);
    CHECK(all.running() == 1);
    CHECK(all.ended().abandoned == 2);
    CHECK(all.leave(other, fate::succeeded));
    CHECK_FALSE(all.leave(own, fate::succeeded));
    CHECK(all.leave(last, fate::succeeded));
    CHECK(all.running() == 0);
    CHECK(all.ended().succeeded == 1);
    CHECK(all.ended().abandoned == 2);
    CHECK(all.ended().all() == all.entered());
}
