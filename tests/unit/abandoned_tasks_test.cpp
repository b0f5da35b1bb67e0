// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/abandoned_tasks.hpp>
#include <fire_and_forget/testing.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"
#include "eventually.hpp"
#include "make_task.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace faf::detail;
using faf::failure;
using faf::testing::error_recorder;
using faf::testing::recorded_error;
using faf_test::make_task;
using faf_test::make_task_with_details;

constexpr steady_time long_ago = steady_time::min();

faf::options at(faf::call_site where, faf::literal name = {}) {
    return {.name = name, .where = where};
}

/// A hundred names, each another group.
const std::array<std::string, 100>& names() {
    static const std::array<std::string, 100> all = [] {
        std::array<std::string, 100> made;
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i] = "task " + std::to_string(i);
        }
        return made;
    }();
    return all;
}

} // namespace

TEST_CASE("abandoned tasks from one place make one report that speaks for all") {
    const error_recorder errors;
    const faf::call_site where = faf::call_site::current();
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        for (int i = 0; i < 1000; ++i) {
            abandoned.add_queued(make_task([] {}, at(where, "many")));
        }
        CHECK(errors.empty());
    }
    REQUIRE(errors.count() == 1);
    const recorded_error error = errors.errors()[0];
    CHECK(error.kind == failure::abandoned);
    CHECK(error.task == "many");
    CHECK(error.what == "it was still queued when its time was up");
    CHECK(error.where.line() == where.line());
    CHECK(error.suppressed == 999);
}

TEST_CASE("abandoned tasks from several places make a report for each place") {
    const error_recorder errors;
    const faf::call_site first = faf::call_site::current();
    const faf::call_site second = faf::call_site::current();
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        abandoned.add_queued(make_task([] {}, at(first)));
        abandoned.add_queued(make_task([] {}, at(second)));
        abandoned.add_queued(make_task([] {}, at(first)));
        abandoned.add_queued(make_task([] {}, at(second, "named")));
    }
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 3);
    CHECK(all[0].where.line() == first.line());
    CHECK(all[0].suppressed == 1);
    CHECK(all[1].where.line() == second.line());
    CHECK(all[1].suppressed == 0);
    CHECK(all[1].task.empty());
    CHECK(all[2].where.line() == second.line());
    CHECK(all[2].task == "named");
    CHECK(all[2].suppressed == 0);
}

TEST_CASE("abandoned tasks that ran are told apart from those that waited") {
    const error_recorder errors;
    const faf::call_site where = faf::call_site::current();
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        abandoned.add_running(where, "one");
        CHECK(errors.empty());
        abandoned.add_queued(make_task([] {}, at(where, "one")));
    }
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 2);
    CHECK(all[0].what == "it was still running when its time was up");
    CHECK(all[1].what == "it was still queued when its time was up");
}

TEST_CASE("no abandoned task is lost when there are more groups than room") {
    const error_recorder errors;
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        for (int round = 0; round < 2; ++round) {
            for (const std::string& name : names()) {
                abandoned.add_queued(
                    make_task([] {}, at({}, faf::literal::from_static(name.c_str()))));
            }
        }
    }
    std::uint64_t tasks = 0;
    for (const recorded_error& error : errors.errors()) {
        tasks += 1 + error.suppressed;
    }
    CHECK(tasks == 200);
    CHECK(errors.count() >= 100);
}

TEST_CASE("running tasks that find no room are counted with the last group") {
    const error_recorder errors;
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        for (const std::string& name : names()) {
            abandoned.add_running({}, name.c_str());
        }
    }
    REQUIRE(errors.count() == 64);
    CHECK(errors.errors()[62].suppressed == 0);
    CHECK(errors.errors()[63].suppressed == 36);
}

TEST_CASE("nothing abandoned is nothing reported") {
    const error_recorder errors;
    {
        sink_time for_sinks(never);
        const abandoned_tasks abandoned(foreign_host(), for_sinks);
    }
    CHECK(errors.empty());
}

TEST_CASE("an abandoned task's own sink is told of it as long as there is time") {
    const error_recorder global;
    int own = 0;
    const faf::error_sink note = [&](const faf::error_report& r) {
        CHECK(r.kind == failure::abandoned);
        CHECK(r.suppressed == 0);
        ++own;
    };
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(foreign_host(), for_sinks);
        abandoned.add_queued(make_task_with_details([] {}, {.name = "a", .on_error = note}));
        abandoned.add_queued(make_task_with_details([] {}, {.name = "a", .on_error = note}));
        abandoned.add_queued(make_task_with_details([] {}, {.name = "without a sink"}));
    }
    CHECK(own == 2);
    CHECK(global.count() == 1);
}

TEST_CASE("each sink hears of abandoned tasks once even when there is no time left") {
    const error_recorder global;
    int own = 0;
    int of_pool = 0;
    const faf::error_sink note_own = [&](const faf::error_report&) { ++own; };
    const faf::error_sink note = [&](const faf::error_report&) { ++of_pool; };
    const host with_sink{&note, {}};
    sink_time no_time(long_ago, std::chrono::nanoseconds(0));
    REQUIRE_FALSE(no_time.is_left());
    const faf_test::captured_stderr out;
    {
        abandoned_tasks abandoned(with_sink, no_time);
        for (int i = 0; i < 3; ++i) {
            abandoned.add_queued(
                make_task_with_details([] {}, {.name = "told", .on_error = note_own}));
        }
        for (const faf::literal name : {faf::literal("first"), faf::literal("second")}) {
            abandoned.add_queued(make_task([] {}, at(faf::call_site::current(), name)));
        }
    }
    CHECK(own == 1);
    CHECK(of_pool == 1);
    CHECK(global.empty());
    CHECK(out.text().find("task \"second\"") != std::string::npos);
    {
        abandoned_tasks abandoned(foreign_host(), no_time);
        abandoned.add_running({}, "of another pool");
    }
    CHECK(global.count() == 1);
}

TEST_CASE("time for sinks that begins late lasts as long all the same") {
    sink_time late(long_ago, std::chrono::hours(1));
    CHECK(late.is_left());
    sink_time past(long_ago, std::chrono::nanoseconds(0));
    CHECK_FALSE(past.is_left());
    sink_time until_deadline(never, std::chrono::nanoseconds(0));
    CHECK(until_deadline.is_left());
}

TEST_CASE("who waits for another thread does not use up the time for sinks") {
    sink_time brief(long_ago, std::chrono::milliseconds(5));
    CHECK(faf_test::eventually([&] { return !brief.is_left_to_wait(); }));
    sink_time lasting(long_ago, std::chrono::hours(1));
    CHECK(lasting.is_left_to_wait());
    CHECK(brief.is_left()); // it begins with the first question
}

TEST_CASE("the pool's sink hears of abandoned tasks before the global one") {
    const error_recorder global;
    int of_pool = 0;
    const faf::error_sink note = [&](const faf::error_report&) { ++of_pool; };
    const host on{&note, {}};
    {
        sink_time for_sinks(never);
        abandoned_tasks abandoned(on, for_sinks);
        abandoned.add_running({}, nullptr);
    }
    CHECK(of_pool == 1);
    CHECK(global.empty());
}

TEST_CASE("the closure of an abandoned task is destroyed") {
    const error_recorder errors;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    sink_time for_sinks(never);
    abandoned_tasks abandoned(foreign_host(), for_sinks);
    abandoned.add_queued(make_task([keeps = std::move(alive)] {}));
    CHECK(watched.expired());
}
