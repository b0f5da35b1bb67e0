// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

static_assert(!std::is_copy_constructible_v<manual_executor>);
static_assert(!std::is_copy_constructible_v<error_recorder>);

void fail() {
    throw std::runtime_error("task");
}

} // namespace

TEST_CASE("a manual executor runs nothing until it is told to") {
    manual_executor ex;
    int runs = 0;
    CHECK_FALSE(ex.run_one());
    CHECK(ex.run_all() == 0);
    fire_and_forget(ex, [&] { ++runs; });
    fire_and_forget(ex, [&] { ++runs; });
    CHECK(runs == 0);
    CHECK(ex.pending() == 2);
    CHECK(ex.run_one());
    CHECK(runs == 1);
    CHECK(ex.pending() == 1);
    CHECK(ex.run_one());
    CHECK_FALSE(ex.run_one());
    CHECK(runs == 2);
}

TEST_CASE("a manual executor runs tasks in the order in which they were fired") {
    manual_executor ex;
    std::vector<int> order;
    for (int i = 0; i < 5; ++i) {
        fire_and_forget(ex, [&order, i] { order.push_back(i); });
    }
    CHECK(ex.run_all() == 5);
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a manual executor also runs what its tasks fire") {
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, [&] {
        ++runs;
        fire_and_forget(ex, [&] { ++runs; });
        CHECK(ex.pending() == 1);
    });
    CHECK(ex.run_all() == 2);
    CHECK(runs == 2);
}

TEST_CASE("a task may run others of its manual executor") {
    manual_executor ex;
    std::string order;
    fire_and_forget(ex, [&] {
        order += 'a';
        ex.run_all();
        order += 'a';
    });
    fire_and_forget(ex, [&] { order += 'b'; });
    CHECK(ex.run_one());
    CHECK(order == "aba");
}

TEST_CASE("a manual executor goes on after a task that throws") {
    const error_recorder errors;
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, fail);
    fire_and_forget(ex, [&] { ++runs; });
    CHECK(ex.run_all() == 2);
    CHECK(runs == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE("a manual executor that is destroyed reports what it did not run") {
    const error_recorder errors;
    int runs = 0;
    {
        manual_executor ex;
        fire_and_forget(ex, {.name = "first"}, [&] { ++runs; });
        fire_and_forget(ex, {.name = "second"}, [&] { ++runs; });
    }
    CHECK(runs == 0);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
    CHECK(errors.errors()[0].task == "first");
    CHECK(errors.errors()[1].task == "second");
}

TEST_CASE("an error recorder keeps reports with texts of their own") {
    const error_recorder errors;
    CHECK(errors.empty());
    CHECK(errors.count() == 0);
    {
        std::string name = "a name that does not live as long as the recorder";
        fire_and_forget(faf::inline_executor(), {.name = name.c_str()}, fail);
        name.assign(name.size(), 'x');
    }
    CHECK_FALSE(errors.empty());
    REQUIRE(errors.count() == 1);
    const faf::testing::recorded_error error = errors.errors()[0];
    CHECK(error.task == "a name that does not live as long as the recorder");
    CHECK(error.type == "std::runtime_error");
    CHECK(error.what == "task");
    CHECK(error.where.line() > 0);
    CHECK(error.exception != nullptr);
    CHECK(error.suppressed == 0);
}

TEST_CASE("an error recorder hands the reports back to the sink before when it ends") {
    const error_recorder outer;
    {
        const error_recorder inner;
        fire_and_forget(faf::inline_executor(), fail);
        CHECK(inner.count() == 1);
        CHECK(outer.empty());
    }
    fire_and_forget(faf::inline_executor(), fail);
    CHECK(outer.count() == 1);
}

TEST_CASE("an error recorder keeps reports from standard error") {
    const faf_test::captured_stderr out;
    {
        const error_recorder errors;
        fire_and_forget(faf::inline_executor(), fail);
    }
    CHECK(out.text().empty());
    fire_and_forget(faf::inline_executor(), fail);
    CHECK_FALSE(out.text().empty());
}

TEST_CASE("an error recorder's sink may outlive it") {
    faf::error_sink kept;
    {
        const error_recorder errors;
        kept = errors.sink();
        kept({});
        CHECK(errors.count() == 1);
    }
    kept({});
    SUCCEED("writes to memory that is still there");
}
