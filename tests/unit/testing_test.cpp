// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<manual_executor>);
static_assert(!std::is_copy_constructible_v<error_recorder>);

// A test could call by mistake what is for the coroutines that run there.
template <class E>
concept shows_its_inside = requires(E& executor) {
    executor.books;
}
|| requires(E& executor) {
    executor.notice_stop();
}
|| requires(E& executor) {
    executor.is_stopping();
}
|| requires(E& executor) {
    executor.core_;
};
static_assert(!shows_its_inside<manual_executor>, "it shows what no test calls");
static_assert(!std::is_base_of_v<faf::detail::scheduler, manual_executor>);
static_assert(!std::is_polymorphic_v<manual_executor>);

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

// Time --------------------------------------------------------------------------------------------

TEST_CASE("the time of a manual executor moves only when it is told to") {
    manual_executor ex;
    const auto begin = ex.now();
    CHECK(ex.advance(0s) == 0);
    CHECK(ex.advance(-1h) == 0);
    ex.run_all();
    CHECK(ex.now() == begin);
    CHECK(ex.advance(90s) == 0);
    CHECK(ex.now() == begin + 90s);
}

TEST_CASE("a delayed task runs when its time has come, at that time") {
    manual_executor ex;
    const auto begin = ex.now();
    std::vector<std::chrono::nanoseconds> ran_at;
    CHECK(fire_and_forget(ex, {.after = 5s}, [&] { ran_at.push_back(ex.now() - begin); }));
    CHECK(ex.pending() == 1);
    CHECK(ex.run_all() == 0);
    CHECK(ex.advance(5s - 1ns) == 0);
    CHECK(ex.pending() == 1);
    CHECK(ex.advance(1ns) == 1);
    CHECK(ex.pending() == 0);
    CHECK(ran_at == std::vector<std::chrono::nanoseconds>{5s});
    fire_and_forget(ex, {.after = 5s}, [&] { ran_at.push_back(ex.now() - begin); });
    CHECK(ex.advance(1h) == 1);
    CHECK(ran_at.back() == 10s); // not at the end of the hour
    CHECK(ex.now() == begin + 1h + 5s);
}

TEST_CASE(
    "delayed tasks run in the order of their times, those with the same in that of the calls") {
    manual_executor ex;
    std::string order;
    const auto fire = [&](std::chrono::seconds after, char letter) {
        fire_and_forget(ex, {.after = after}, [&order, letter] { order += letter; });
    };
    fire(3s, 'e');
    fire(1s, 'a');
    fire(2s, 'c');
    fire(1s, 'b');
    fire(3s, 'f');
    fire(2s, 'd');
    CHECK(ex.advance(3s) == 6);
    CHECK(order == "abcdef");
}

TEST_CASE("a delay of nothing and one before now are none") {
    manual_executor ex;
    std::string order;
    fire_and_forget(ex, [&] { order += 'a'; });
    fire_and_forget(ex, {.after = 0s}, [&] { order += 'b'; });
    fire_and_forget(ex, {.after = -1h}, [&] { order += 'c'; });
    fire_and_forget(ex, {.after = std::chrono::nanoseconds::min()}, [&] { order += 'd'; });
    fire_and_forget(ex, [&] { order += 'e'; });
    CHECK(ex.run_all() == 5);
    CHECK(order == "abcde");
}

TEST_CASE("a delay too long for the clock is for ever, however far the time is moved on") {
    const error_recorder errors;
    {
        manual_executor ex;
        bool has_run = false;
        fire_and_forget(ex, {.after = std::chrono::nanoseconds::max()}, [&] { has_run = true; });
        CHECK(ex.advance(1h) == 0);
        CHECK(ex.advance(std::chrono::nanoseconds::max()) == 0);
        CHECK(ex.now() < std::chrono::steady_clock::time_point::max());
        CHECK(ex.advance(std::chrono::nanoseconds::max()) == 0);
        CHECK(ex.pending() == 1);
        CHECK_FALSE(has_run);
    }
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

TEST_CASE("a task that is fired by a delayed one counts from that one's time") {
    manual_executor ex;
    const auto begin = ex.now();
    std::chrono::nanoseconds second{};
    fire_and_forget(ex, {.after = 1s}, [&] {
        fire_and_forget(ex, {.after = 2s}, [&] { second = ex.now() - begin; });
    });
    CHECK(ex.advance(1h) == 2);
    CHECK(second == 3s);
}

TEST_CASE("from inside a task only the time moves on, and the others wait for the task's end") {
    manual_executor ex;
    std::string order;
    fire_and_forget(ex, {.after = 2s}, [&] { order += 'b'; });
    fire_and_forget(ex, [&] {
        CHECK(ex.advance(5s) == 0);
        order += 'a';
    });
    CHECK(ex.run_all() == 2);
    CHECK(order == "ab");
}

TEST_CASE("a task that repeats runs at the time of the call and then at each of its times") {
    const error_recorder errors; // of the runs that do not come any more
    manual_executor ex;
    const auto begin = ex.now();
    std::vector<std::chrono::nanoseconds> ran_at;
    fire_and_forget(ex, {.every = 10s}, [&] { ran_at.push_back(ex.now() - begin); });
    CHECK(ex.run_all() == 1);
    CHECK(ex.pending() == 1);
    CHECK(ex.run_all() == 0);
    CHECK(ex.advance(35s) == 3);
    CHECK(ran_at == std::vector<std::chrono::nanoseconds>{0s, 10s, 20s, 30s});
}

TEST_CASE("a task that repeats may begin later") {
    const error_recorder errors; // of the runs that do not come any more
    manual_executor ex;
    const auto begin = ex.now();
    std::vector<std::chrono::nanoseconds> ran_at;
    fire_and_forget(ex, {.after = 3s, .every = 10s}, [&] { ran_at.push_back(ex.now() - begin); });
    CHECK(ex.advance(23s) == 3);
    CHECK(ran_at == std::vector<std::chrono::nanoseconds>{3s, 13s, 23s});
}

TEST_CASE("a task that takes its time keeps its phase, and its runs do not overlap") {
    const error_recorder errors; // of the runs that do not come any more
    manual_executor ex;
    const auto begin = ex.now();
    std::vector<std::chrono::nanoseconds> began_at;
    bool is_running = false;
    fire_and_forget(ex, {.every = 10s}, [&] {
        CHECK_FALSE(std::exchange(is_running, true));
        began_at.push_back(ex.now() - begin);
        ex.advance(3s);
        is_running = false;
    });
    ex.advance(40s);
    CHECK(began_at == std::vector<std::chrono::nanoseconds>{0s, 10s, 20s, 30s, 40s});
}

TEST_CASE(
    "times that have passed during a run are left out, and a late start does not delay the next") {
    const error_recorder errors; // of the runs that do not come any more
    manual_executor ex;
    const auto begin = ex.now();
    std::vector<std::chrono::nanoseconds> began_at;
    fire_and_forget(ex, {.every = 10s}, [&] {
        began_at.push_back(ex.now() - begin);
        if (began_at.size() == 1) {
            ex.advance(37s); // over the times at 10 s and 20 s; that at 30 s is only late
        }
    });
    CHECK(ex.run_all() == 2);
    CHECK(began_at == std::vector<std::chrono::nanoseconds>{0s, 37s});
    CHECK(ex.advance(23s) == 3);
    CHECK(began_at == std::vector<std::chrono::nanoseconds>{0s, 37s, 40s, 50s, 60s});
}

TEST_CASE("a task that repeats keeps its arguments and what it has captured") {
    manual_executor ex;
    std::string seen;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    fire_and_forget(
        ex, {.every = 1s},
        [&seen, runs = 0, keeps = std::move(alive)](const std::string& shared,
                                                    std::string own) mutable {
            seen += shared + own + std::to_string(++runs);
            own.clear();
            return runs < 3 ? faf::keep_repeating : faf::stop_repeating;
        },
        std::string(100, 's'), std::string(100, 'o'));
    CHECK(ex.advance(1h) == 3);
    const std::string both = std::string(100, 's') + std::string(100, 'o');
    CHECK(seen == both + "1" + both + "2" + both + "3");
    CHECK(ex.pending() == 0);
    CHECK(watched.expired());
}

TEST_CASE("a task that says so repeats no more") {
    const error_recorder errors;
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, {.every = 1s},
                    [&] { return ++runs == 5 ? faf::stop_repeating : faf::keep_repeating; });
    CHECK(ex.advance(1h) == 5);
    CHECK(runs == 5);
    CHECK(ex.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("a task that runs once may say what it likes about repeating") {
    const error_recorder errors;
    manual_executor ex;
    fire_and_forget(ex, [] { return faf::keep_repeating; });
    fire_and_forget(ex, {.after = 1s}, [] { return faf::keep_repeating; });
    fire_and_forget(ex, [] { return faf::stop_repeating; });
    CHECK(ex.advance(1h) == 3);
    CHECK(ex.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("a run that fails is reported, and the next one comes all the same") {
    const error_recorder errors;
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, {.name = "throws", .every = 1s}, [&] {
        ++runs;
        fail();
    });
    fire_and_forget(ex, {.name = "returns", .every = 1s},
                    [] { return std::make_error_code(std::errc::io_error); });
    CHECK(ex.advance(2s) == 6);
    CHECK(runs == 3);
    REQUIRE(errors.count() == 6);
    for (std::size_t i = 0; i < 6; i += 2) {
        CHECK(errors.errors()[i].task == "throws");
        CHECK(errors.errors()[i].kind == faf::failure::exception);
        CHECK(errors.errors()[i + 1].task == "returns");
        CHECK(errors.errors()[i + 1].kind == faf::failure::error_result);
    }
}

TEST_CASE("a task that has not started in time is dropped and reported") {
    const error_recorder errors;
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, [&] { ex.advance(2s); }); // keeps the only thread
    fire_and_forget(ex, {.name = "in time", .expires = 2s}, [&] { ++runs; });
    fire_and_forget(ex, {.name = "late", .expires = 2s - 1ns}, [&] { runs += 10; });
    ex.run_all();
    CHECK(runs == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::expired);
    CHECK(errors.errors()[0].task == "late");
    CHECK(errors.errors()[0].waited == 2s);
}

TEST_CASE("a delayed task expires counted from the time it waited for") {
    const error_recorder errors;
    manual_executor ex;
    int runs = 0;
    fire_and_forget(ex, {.after = 10s}, [&] { ex.advance(2s); });
    fire_and_forget(ex, {.after = 10s, .expires = 2s}, [&] { ++runs; });
    fire_and_forget(ex, {.after = 10s, .expires = 1s}, [&] { runs += 10; });
    CHECK(ex.advance(10s) == 3);
    CHECK(runs == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE("a run that comes too late expires, and the next one comes all the same") {
    const error_recorder errors;
    manual_executor ex;
    std::vector<std::chrono::nanoseconds> ran_at;
    const auto begin = ex.now();
    fire_and_forget(ex, {.every = 10s, .expires = 1s}, [&] { ran_at.push_back(ex.now() - begin); });
    fire_and_forget(ex, {.after = 10s - 1ns}, [&] { ex.advance(5s); });
    ex.advance(20s);
    CHECK(ran_at == std::vector<std::chrono::nanoseconds>{0s, 20s});
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::expired);
}

TEST_CASE("reports of a delayed task count its waiting from the time it waited for") {
    const error_recorder errors;
    manual_executor ex;
    fire_and_forget(ex, {.after = 1s}, [&] { ex.advance(2s); });
    fire_and_forget(ex, {.after = 1s}, fail);
    ex.advance(1s);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].waited == 2s);
}

TEST_CASE("a manual executor that is destroyed reports tasks whose time has not come, each once") {
    const error_recorder errors;
    {
        manual_executor ex;
        fire_and_forget(ex, {.name = "waits", .after = 1h}, [] {});
        fire_and_forget(ex, {.name = "ready"}, [] {});
    }
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
    CHECK(errors.errors()[0].task == "ready");
    CHECK(errors.errors()[1].task == "waits");
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a delayed task that is asked to stop is dropped at once, and reported") {
    const error_recorder errors(faf::hears::cancelled_too);
    manual_executor ex;
    std::stop_source source;
    int runs = 0;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    fire_and_forget(ex, {.after = 1h, .stop = source.get_token()},
                    [&runs, keeps = std::move(alive)] { ++runs; });
    fire_and_forget(ex, {.after = 1h}, [&] { runs += 10; });
    CHECK(ex.run_all() == 0);
    source.request_stop();
    CHECK(ex.run_all() == 1);
    CHECK(runs == 0);
    CHECK(watched.expired());
    CHECK(ex.pending() == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
    CHECK(ex.advance(1h) == 1);
    CHECK(runs == 10);
}

TEST_CASE("a task that repeats does so until its token is asked to stop") {
    const error_recorder errors(faf::hears::cancelled_too);
    manual_executor ex;
    std::stop_source source;
    int runs = 0;
    fire_and_forget(ex, {.every = 1s, .stop = source.get_token()}, [&] { ++runs; });
    CHECK(ex.advance(10s) == 11);
    source.request_stop();
    ex.advance(1h);
    CHECK(runs == 11);
    CHECK(ex.pending() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("a task that repeats and takes a token gets one each time, and may stop itself by it") {
    manual_executor ex;
    std::stop_source source;
    int runs = 0;
    fire_and_forget(ex, {.every = 1s, .stop = source.get_token()}, [&](std::stop_token stop) {
        CHECK_FALSE(stop.stop_requested());
        if (++runs == 3) {
            source.request_stop();
            CHECK(stop.stop_requested());
        }
    });
    const error_recorder errors;
    ex.advance(1h);
    CHECK(runs == 3);
    CHECK(ex.pending() == 0);
}

#endif

// Order -------------------------------------------------------------------------------------------

namespace {

std::string order_of_tasks(manual_executor& ex) {
    std::string order;
    for (char letter = 'a'; letter <= 'h'; ++letter) {
        fire_and_forget(ex, [&order, letter] { order += letter; });
    }
    ex.run_all();
    return order;
}

std::string order_of_tasks(std::uint64_t seed) {
    manual_executor ex({.order = faf::testing::shuffled(seed)});
    return order_of_tasks(ex);
}

} // namespace

TEST_CASE("a shuffled order is another one for another seed, and the same for the same") {
    std::set<std::string> orders;
    std::set<char> firsts;
    std::set<char> lasts;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::string order = order_of_tasks(seed);
        CHECK(order == order_of_tasks(seed));
        orders.insert(order);
        firsts.insert(order.front());
        lasts.insert(order.back());
        std::string sorted = order;
        std::sort(sorted.begin(), sorted.end());
        CHECK(sorted == "abcdefgh");
    }
    CHECK(orders.size() > 190);
    CHECK(firsts.size() == 8);
    CHECK(lasts.size() == 8);
    CHECK(order_of_tasks(1) == "bacdfhge"); // on each system
}

TEST_CASE("a shuffled order is one of what could run: times are kept, and what is fired last comes "
          "into it") {
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        manual_executor ex({.order = faf::testing::shuffled(seed)});
        std::string order;
        const auto note = [&order](char letter) { return [&order, letter] { order += letter; }; };
        fire_and_forget(ex, {.after = 2s}, note('d'));
        fire_and_forget(ex, {.after = 1s}, note('b'));
        fire_and_forget(ex, {.after = 1s}, note('c'));
        fire_and_forget(ex, note('a'));
        ex.advance(1h);
        CHECK(order.front() == 'a');
        CHECK(order.back() == 'd');
        fire_and_forget(ex, note('e'));
        CHECK(ex.run_all() == 1);
        orders.insert(order);
    }
    CHECK(orders == std::set<std::string>{"abcde", "acbde"});
}

TEST_CASE("a seed that nobody has given is told when an exception ends the test") {
    const faf_test::captured_stderr out;
    {
        manual_executor fine({.order = faf::testing::shuffled()});
        manual_executor in_turn;
        CHECK(in_turn.seed() == 0);
    }
    CHECK(out.text().empty());
    std::uint64_t seed = 0;
    try {
        manual_executor ex({.order = faf::testing::shuffled()});
        manual_executor in_turn;
        seed = ex.seed();
        throw std::runtime_error("as a REQUIRE does");
    } catch (const std::runtime_error&) {
        manual_executor made_meanwhile({.order = faf::testing::shuffled(5)});
    }
    CHECK(out.text() ==
          "[fire_and_forget] the order was faf::testing::shuffled(" + std::to_string(seed) + ")\n");
}

// Recording ---------------------------------------------------------------------------------------

TEST_CASE("expect_none throws what was recorded, one line for each") {
    const error_recorder errors;
    errors.expect_none();
    CHECK(errors.text().empty());
    fire_and_forget(faf::inline_executor(), {.name = "save"}, fail);
    const std::string line =
        "\n  task \"save\" (testing_test.cpp:" + std::to_string(errors.errors()[0].where.line()) +
        " in ";
    CHECK(errors.text().find("1 error in the background:" + line) == 0);
    CHECK(errors.text().find(") failed: std::runtime_error: task") != std::string::npos);
    faf::error_report more;
    more.kind = faf::failure::abandoned;
    more.suppressed = 2;
    errors.sink()(more);
    std::string thrown;
    try {
        errors.expect_none();
    } catch (const faf::testing::unexpected_errors& all) {
        thrown = all.what();
    }
    CHECK(thrown == errors.text());
    CHECK(thrown.find("2 errors in the background:" + line) == 0);
    CHECK(thrown.find("\n  task was abandoned (and 2 more)") != std::string::npos);
}

TEST_CASE("an error recorder keeps reports with texts of their own") {
    const error_recorder errors;
    CHECK(errors.empty());
    CHECK(errors.count() == 0);
    {
        std::string name = "a name that does not live as long as the recorder";
        fire_and_forget(faf::inline_executor(), {.name = faf::literal::from_static(name.c_str())},
                        fail);
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
