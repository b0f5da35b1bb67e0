// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/running_tasks.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <thread>

namespace {

using namespace faf::detail;
using faf::testing::error_recorder;

/// As if another thread ran it.
running_tasks::entry run_elsewhere(const char* name) {
    running_tasks::entry one(faf::call_site::current(), name);
    one.thread = std::thread::id();
    return one;
}

} // namespace

TEST_CASE("tasks that run are counted until they end, in whatever order") {
    running_tasks all;
    running_tasks::entry first;
    running_tasks::entry second;
    running_tasks::entry third;
    all.link(first);
    all.link(second);
    all.link(third);
    CHECK(all.count() == 3);
    CHECK(all.unlink(second));
    CHECK(all.unlink(first));
    CHECK(all.count() == 1);
    all.link(first);
    CHECK(all.unlink(third));
    CHECK(all.unlink(first));
    CHECK(all.count() == 0);
}

TEST_CASE("tasks that run are given up and reported once, but not those of the calling thread") {
    const error_recorder errors;
    running_tasks all;
    running_tasks::entry own(faf::call_site::current(), "one's own");
    running_tasks::entry other = run_elsewhere("another's");
    running_tasks::entry last = run_elsewhere("the last");
    all.link(own);
    all.link(other);
    all.link(last);
    {
        sink_time for_sinks(steady_time::max());
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        CHECK(all.write_off(abandoned).tasks == 2);
        CHECK(all.write_off(abandoned).all() == 0);
    }
    REQUIRE(errors.count() == 2);
    for (const auto& error : errors.errors()) {
        CHECK(error.kind == faf::failure::abandoned);
        CHECK(error.task != "one's own");
    }
    CHECK(all.count() == 1);
    CHECK_FALSE(all.unlink(other));
    CHECK(all.unlink(own));
    CHECK_FALSE(all.unlink(last));
    CHECK(all.count() == 0);
}
