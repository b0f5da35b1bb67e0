// SPDX-License-Identifier: MIT
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/error_sink.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::recorded_error;

constexpr faf::inline_executor at_once{};

using function_sink = std::function<void(const faf::error_report&)>;
static_assert(std::is_convertible_v<function_sink, faf::error_sink>,
              "a std::function that was a sink of somebody else's may be one here");

void fail() {
    throw std::runtime_error("task");
}

/// Puts the global sink back when a test ends.
struct sink_restored {
    faf::error_sink before = faf::set_error_sink({});
    ~sink_restored() { faf::set_error_sink(before); }
};

} // namespace

TEST_CASE("a report is turned into one line of text") {
    faf::error_report report{};
    report.task = "refresh";
    report.type = "std::runtime_error";
    report.what = "no\nroute";
    report.suppressed = 2;
    CHECK(faf::to_string(report) ==
          "task \"refresh\" failed: std::runtime_error: no\\nroute (and 2 more)");
}

// Whose sink hears of it --------------------------------------------------------------------------

TEST_CASE("the global sink hears of a task that has no other") {
    const sink_restored restored;
    std::vector<std::string> heard;
    faf::set_error_sink([&](const faf::error_report& r) { heard.emplace_back(r.what); });
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, fail);
    CHECK(heard == std::vector<std::string>{"task"});
    CHECK(out.text().empty());
}

TEST_CASE("the task's own sink takes the report from the global one") {
    const error_recorder global;
    const error_recorder own; // global as well, so the options decide
    const error_recorder newest;
    fire_and_forget(at_once, {.on_error = own.sink()}, fail);
    CHECK(own.count() == 1);
    CHECK(newest.empty());
    CHECK(global.empty());
}

TEST_CASE("without any sink a report goes to standard error") {
    const sink_restored restored;
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, {.name = "no sink"}, fail);
    const std::string text = out.text();
    CHECK(text.find("[fire_and_forget] ") == 0);
    CHECK(text.find("task \"no sink\" (error_sink_test.cpp:") != std::string::npos);
    CHECK(text.find(") failed: std::runtime_error: task\n") != std::string::npos);
}

TEST_CASE("set_error_sink returns the sink before") {
    const sink_restored restored;
    int first = 0;
    int second = 0;
    CHECK_FALSE(faf::set_error_sink([&](const faf::error_report&) { ++first; }));
    const faf::error_sink previous =
        faf::set_error_sink([&](const faf::error_report&) { ++second; });
    REQUIRE(previous);
    previous({});
    CHECK(first == 1);
    CHECK(second == 0);
}

TEST_CASE("an empty sink brings back standard error") {
    const sink_restored restored;
    int heard = 0;
    faf::set_error_sink([&](const faf::error_report&) { ++heard; });
    CHECK(faf::set_error_sink({}));
    CHECK_FALSE(faf::set_error_sink(nullptr));
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, fail);
    CHECK(heard == 0);
    CHECK(out.text().find("std::runtime_error: task") != std::string::npos);
}

TEST_CASE("a sink whose copy throws is left in place by set_error_sink") {
    struct copied_never_again {
        int* heard;
        const bool* is_armed;
        copied_never_again(int* count, const bool* armed) : heard(count), is_armed(armed) {}
        copied_never_again(const copied_never_again& other)
            : heard(other.heard), is_armed(other.is_armed) {
            if (*is_armed) {
                throw std::logic_error("copied");
            }
        }
        void operator()(const faf::error_report&) const { ++*heard; }
    };
    int heard = 0;
    bool is_armed = false; // outlives the last copy of the sink
    const sink_restored restored;
    faf::set_error_sink(copied_never_again(&heard, &is_armed));
    is_armed = true;
    CHECK_THROWS_AS(faf::set_error_sink({}), std::logic_error);
    is_armed = false;
    fire_and_forget(at_once, fail);
    CHECK(heard == 1);
}

TEST_CASE("a sink may replace itself while it runs") {
    const sink_restored restored;
    std::vector<int> heard;
    auto alive = std::make_shared<int>(1);
    faf::set_error_sink([&heard, keeps = alive](const faf::error_report&) {
        faf::set_error_sink([&heard](const faf::error_report&) { heard.push_back(2); });
        heard.push_back(*keeps); // still alive
    });
    const std::weak_ptr<int> watched = std::exchange(alive, nullptr);
    fire_and_forget(at_once, fail);
    CHECK(watched.expired());
    fire_and_forget(at_once, fail);
    CHECK(heard == std::vector<int>{1, 2});
}

TEST_CASE("a sink that is replaced is destroyed") {
    const sink_restored restored;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    faf::set_error_sink([keeps = std::move(alive)](const faf::error_report&) {});
    CHECK_FALSE(watched.expired());
    faf::set_error_sink({});
    CHECK(watched.expired());
}

// Sinks that fail ---------------------------------------------------------------------------------

TEST_CASE("a task's sink that throws makes the global one hear of both") {
    const error_recorder global;
    const faf::error_sink broken = [](const faf::error_report&) { throw std::logic_error("sink"); };
    const auto line = __LINE__ + 1;
    fire_and_forget(at_once, {.name = "unlucky", .on_error = broken}, fail);
    const std::vector<recorded_error> errors = global.errors();
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].kind == faf::failure::sink_failed);
    CHECK(errors[0].type == "std::logic_error");
    CHECK(errors[0].what == "sink");
    CHECK(errors[0].task == "unlucky");
    CHECK(errors[0].where.line() == line);
    CHECK(errors[0].exception != nullptr);
    CHECK(errors[1].kind == faf::failure::exception);
    CHECK(errors[1].what == "task");
    CHECK(errors[1].where.line() == line);
}

TEST_CASE("a report about a sink speaks for no other task") {
    const error_recorder global;
    const faf::error_sink broken = [](const faf::error_report&) { throw std::logic_error("sink"); };
    faf::error_report what_happened;
    what_happened.suppressed = 3;
    faf::detail::report(what_happened, &broken, nullptr);
    const std::vector<recorded_error> errors = global.errors();
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].kind == faf::failure::sink_failed);
    CHECK(errors[0].suppressed == 0);
    CHECK(errors[1].suppressed == 3);
}

TEST_CASE("a global sink that throws makes standard error hear of both") {
    const sink_restored restored;
    int calls = 0;
    faf::set_error_sink([&](const faf::error_report&) {
        ++calls;
        throw 42;
    });
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, {.name = "t"}, fail);
    CHECK(calls == 1);
    const std::string text = out.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    const std::size_t sink = text.find("failed, and the error sink that was told threw: int: 42\n");
    const std::size_t task = text.find("failed: std::runtime_error: task\n");
    REQUIRE(sink != std::string::npos);
    REQUIRE(task != std::string::npos);
    CHECK(sink < task);
}

TEST_CASE("when all sinks throw, each is called with what is left, and standard error hears all") {
    const sink_restored restored;
    int own = 0;
    int global = 0;
    faf::set_error_sink([&](const faf::error_report&) {
        ++global;
        throw std::logic_error("global");
    });
    const faf_test::captured_stderr out;
    const faf::error_sink throws = [&](const faf::error_report&) {
        ++own;
        throw std::logic_error("own");
    };
    fire_and_forget(at_once, {.on_error = throws}, fail);
    CHECK(own == 1);
    CHECK(global == 2); // of the task's sink, and of the task
    const std::string text = out.text();
    CHECK(text.find("threw: std::logic_error: own\n") != std::string::npos);
    CHECK(text.find("threw: std::logic_error: global\n") != std::string::npos);
    CHECK(text.find("failed: std::runtime_error: task\n") != std::string::npos);
}

TEST_CASE("a sink that fires failing tasks in place does not recurse") {
    const sink_restored restored;
    int calls = 0;
    faf::set_error_sink([&](const faf::error_report&) {
        ++calls;
        fire_and_forget(at_once, {.name = "from the sink"}, [] { throw 13; });
    });
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, fail);
    CHECK(calls == 1);
    const std::string text = out.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    CHECK(text.find("\"from the sink\"") != std::string::npos);
    CHECK(text.find("int: 13") != std::string::npos);
}

TEST_CASE("a sink is asked again after it has failed") {
    const sink_restored restored;
    int calls = 0;
    faf::set_error_sink([&](const faf::error_report&) {
        if (++calls == 1) {
            throw 1;
        }
    });
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, fail);
    fire_and_forget(at_once, fail);
    CHECK(calls == 2);
}

TEST_CASE("a sink that fires tasks for later is heard of them later") {
    const error_recorder errors;
    faf::testing::manual_executor ex;
    int fired = 0;
    const faf::error_sink refire = [&](const faf::error_report&) {
        if (++fired < 3) {
            fire_and_forget(ex, fail);
        }
    };
    fire_and_forget(ex, {.on_error = refire}, fail);
    CHECK(ex.run_all() == 2);
    CHECK(fired == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE("a report's exception may be kept after the sink has returned") {
    const sink_restored restored;
    std::exception_ptr kept;
    faf::set_error_sink([&](const faf::error_report& r) { kept = r.exception; });
    fire_and_forget(at_once, fail);
    REQUIRE(kept);
    CHECK_THROWS_WITH(std::rethrow_exception(kept), "task");
}

TEST_CASE("a standard error line can't be forged by a task's text") {
    const sink_restored restored;
    const faf_test::captured_stderr out;
    fire_and_forget(at_once, [] {
        throw std::runtime_error("x\n[fire_and_forget] forged\r\x1b[2K %n%s \xff");
    });
    const std::string text = out.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    CHECK(text.find("x\\n[fire_and_forget] forged\\r\\x1b[2K %n%s \\xff\n") != std::string::npos);
}

namespace {

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copy"); }
    throws_when_copied& operator=(const throws_when_copied&) = delete;
    ~throws_when_copied() = default;
    void operator()() const {}
};

/// Full, and nobody takes anything out.
struct full_pool {
    explicit full_pool(faf::pool_options how) : pool(complete(std::move(how))) {
        pool.pause();
        REQUIRE(fire_and_forget(pool, [] {}));
    }

    static faf::pool_options complete(faf::pool_options how) {
        how.threads = 1;
        how.max_pending = 1;
        return how;
    }

    faf::thread_pool pool;
};

} // namespace

TEST_CASE("a call that is to be refused quietly answers, is counted, and reports nothing") {
    const error_recorder all;
    const error_recorder own;
    full_pool full({.on_error = all.sink()});
    const auto nobody = [](faf::job) {};
    const faf::options quiet{.refusals = faf::refusals::quiet, .on_error = own.sink()};
    CHECK(fire_and_forget(full.pool, quiet, [] {}).why() == faf::refusal::queue_full);
    CHECK(fire_and_forget(faf::own_thread, {.refusals = faf::refusals::quiet, .every = -1ms}, [] {
          }).why() == faf::refusal::invalid_options);
    CHECK(fire_and_forget(nobody, quiet, [] {}).why() == faf::refusal::executor_failed);
    CHECK(fire_and_forget(faf::own_thread, quiet, throws_when_copied()).why() ==
          faf::refusal::copy_threw);
    CHECK(own.empty());
    CHECK(all.empty());
    CHECK(full.pool.snapshot().refused == 1);
    CHECK_FALSE(fire_and_forget(full.pool, [] {}));
    CHECK(all.count() == 1);
}

TEST_CASE("a pool may be quiet about what it refuses, and only about that") {
    const error_recorder all;
    {
        full_pool full({.refusals = faf::refusals::quiet, .on_error = all.sink()});
        faf::task_scope scope(full.pool);
        const faf::executor_ref same(scope);
        faf::conflating_executor<int> newest(full.pool);
        CHECK(fire_and_forget(full.pool, [] {}).why() == faf::refusal::queue_full);
        CHECK(fire_and_forget(full.pool, {.name = "x"}, [] {}).why() == faf::refusal::queue_full);
        CHECK(fire_and_forget(scope, [] {}).why() == faf::refusal::queue_full);
        CHECK(fire_and_forget(same, [] {}).why() == faf::refusal::queue_full);
        scope.request_stop();
        CHECK(fire_and_forget(scope, [] {}).why() == faf::refusal::shutting_down);
        CHECK(fire_and_forget(newest[1], {.every = 1s}, [] {}).why() ==
              faf::refusal::invalid_options);
        CHECK(all.empty());
        CHECK(full.pool.snapshot().refused == 5);
        full.pool.resume();
        full.pool.drain();
        CHECK(fire_and_forget(full.pool, {.every = -1s}, [] {}).why() ==
              faf::refusal::invalid_options);
        CHECK(fire_and_forget(full.pool, [] { throw 1; }));
    }
    CHECK(all.count() == 1);
    CHECK(all.errors()[0].kind == faf::failure::exception);
}

TEST_CASE("a job that a quiet pool does not take is reported: nobody looks at an answer there") {
    const error_recorder all;
    full_pool full({.refusals = faf::refusals::quiet, .on_error = all.sink()});
    std::vector<faf::job> kept;
    CHECK(fire_and_forget([&](faf::job job) { kept.push_back(std::move(job)); }, [] {}));
    CHECK(full.pool.execute(std::move(kept[0])).why() == faf::refusal::queue_full);
    CHECK(all.count() == 1);
}
