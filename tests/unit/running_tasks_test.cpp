// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/running_tasks.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <mutex>
#include <thread>

namespace {

using namespace faf::detail;
using faf::testing::error_recorder;

write_offs give_up(running_tasks& all) {
    sink_time for_sinks(steady_time::max());
    abandoned_tasks abandoned(foreign_host(), for_sinks);
    return all.write_off(abandoned);
}

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
    CHECK(give_up(all).tasks == 2);
    CHECK(give_up(all).all() == 0);
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

TEST_CASE("a coroutine that was handed over is not given up with its thread, unless it stays") {
    const error_recorder errors;
    running_tasks all;
    std::mutex guarding;
    running_tasks::entry one = run_elsewhere("it");
    all.link(one);
    running_entry_item item(guarding, one, nullptr);
    CHECK(item.pass_on(item));
    SECTION("it has gone") {
        const write_offs lost = give_up(all);
        CHECK(lost.tasks == 0);
        CHECK(lost.passing == 1);
        CHECK_FALSE(item.come_back(item));
        CHECK(errors.empty());
    }
    SECTION("it stays") {
        CHECK(item.come_back(item));
        const write_offs lost = give_up(all);
        CHECK(lost.tasks == 1);
        CHECK(lost.passing == 0);
        CHECK_FALSE(item.pass_on(item));
        CHECK(errors.count() == 1);
    }
    CHECK(all.count() == 0);
    CHECK_FALSE(all.unlink(one));
}
