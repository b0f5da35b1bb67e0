// SPDX-License-Identifier: MIT
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <latch>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using faf::failure;
using faf::fire_and_forget;
using faf::hears;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

namespace {

/// A token to be asked to stop, in whatever library has one.
struct stop {
    faf::detail::stop_source source = faf::detail::make_stop_source();
    auto token() const { return source.get_token(); }
};

} // namespace

TEST_CASE("a heartbeat that is stopped regularly is no error") {
    const error_recorder errors;
    manual_executor executor;
    stop end;
    int beats = 0;
    fire_and_forget(executor, {.every = 1s, .stop = end.token()}, [&] { ++beats; });
    executor.advance(2s);
    end.source.request_stop();
    executor.run_all();
    CHECK(beats == 3);
    CHECK(executor.pending() == 0);
    {
        faf::thread_pool pool({.threads = 1});
        fire_and_forget(pool, {.every = 1h}, [] {});
        fire_and_forget(pool, {.after = 1h, .stop = end.token()}, [] {});
    }
    CHECK(errors.empty());
}

TEST_CASE("of what was cancelled the first sink hears that asks for it") {
    error_recorder all(hears::cancelled_too);
    std::vector<failure> heard;
    const auto note = [&](const faf::error_report& report) { heard.push_back(report.kind); };
    manual_executor executor;
    stop end;
    end.source.request_stop();
    fire_and_forget(executor, {.stop = end.token(), .on_error = note}, [] {});
    executor.run_all();
    CHECK(heard.empty());
    REQUIRE(all.count() == 1);
    CHECK(all.errors()[0].kind == failure::cancelled);
    fire_and_forget(executor, {.stop = end.token(), .on_error = {note, hears::cancelled_too}},
                    [] {});
    executor.run_all();
    CHECK(heard == std::vector{failure::cancelled});
    CHECK(all.count() == 1);
}

TEST_CASE("what a sink hears goes along with its copies") {
    const faf::error_sink plain = [](const faf::error_report&) {};
    CHECK_FALSE(plain.hears_cancelled());
    faf::error_sink asking(plain, hears::cancelled_too);
    faf::error_sink copy(asking);
    CHECK(copy.hears_cancelled());
    CHECK(faf::error_sink(std::move(copy)).hears_cancelled());
    CHECK(faf::error_sink(asking).hears_cancelled());
    copy = plain;
    CHECK_FALSE(copy.hears_cancelled());
    copy.swap(asking);
    CHECK(copy.hears_cancelled());
    CHECK_FALSE(asking.hears_cancelled());
    copy.swap(asking);
    copy = nullptr;
    CHECK_FALSE(copy);
    const faf::error_sink before = faf::set_error_sink(asking);
    CHECK(faf::set_error_sink(before).hears_cancelled());
}

TEST_CASE("the sink of a scope's task hears what it asks for") {
    const error_recorder errors;
    std::vector<failure> heard;
    const auto note = [&](const faf::error_report& report) { heard.push_back(report.kind); };
    manual_executor executor;
    faf::task_scope scope(executor);
    fire_and_forget(scope, {.on_error = note}, [] {});
    fire_and_forget(scope, {.on_error = {note, hears::cancelled_too}}, [] {});
    CHECK(scope.cancel_pending() == 2);
    executor.run_all();
    CHECK(heard == std::vector{failure::cancelled});
    CHECK(errors.empty());
}

TEST_CASE("a heartbeat is called once more when its token asks it to stop") {
    const error_recorder errors;
    manual_executor executor;
    stop end;
    int beats = 0;
    fire_and_forget(executor, {.every = 1s, .final_run = true, .stop = end.token()}, [&] {
        ++beats;
        return faf::keep_repeating;
    });
    executor.advance(2s);
    CHECK(beats == 3);
    end.source.request_stop();
    executor.run_all();
    CHECK(beats == 4);
    executor.advance(10s);
    CHECK(beats == 4);
    CHECK(executor.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("a heartbeat is called once more when its executor ends") {
    const error_recorder errors;
    std::atomic<int> beats{0};
    {
        faf::thread_pool pool({.threads = 1});
        fire_and_forget(pool, {.after = 1h, .every = 1h, .final_run = true}, [&] { ++beats; });
        fire_and_forget(pool, {.after = 1h, .every = 1h}, [&] { ++beats; });
        CHECK(pool.shutdown());
        CHECK(beats == 1);
        CHECK(pool.snapshot().cancelled == 2);
    }
    {
        manual_executor executor;
        fire_and_forget(executor, {.every = 1h, .final_run = true}, [&] { ++beats; });
    }
    CHECK(beats == 2);
    CHECK(errors.empty());
}

TEST_CASE("a heartbeat that runs when its executor ends is called once more after that") {
    const error_recorder errors;
    std::atomic<int> beats{0};
    std::latch begun(1);
    faf::thread_pool pool({.threads = 1, .exit_timeout = faf::forever});
    fire_and_forget(pool, {.every = 1h, .final_run = true}, [&](faf::detail::stop_token asked) {
        if (++beats == 1) {
            begun.count_down();
            while (!asked.stop_requested()) {
            }
        }
    });
    begun.wait();
    CHECK(pool.shutdown());
    CHECK(beats == 2);
    CHECK(errors.empty());
}

TEST_CASE(
    "a heartbeat of a scope is called once more when that ends, and not if it is taken back") {
    const error_recorder errors;
    manual_executor executor;
    int beats = 0;
    {
        faf::task_scope scope(executor);
        fire_and_forget(scope, {.every = 1h, .final_run = true}, [&] { ++beats; });
        executor.run_all();
        CHECK(scope.cancel_pending() == 1);
        executor.run_all();
        CHECK(beats == 1);
        fire_and_forget(scope, {.every = 1h, .final_run = true}, [&] { ++beats; });
        executor.run_all();
        CHECK(beats == 2);
    }
    CHECK(beats == 3);
    CHECK(errors.empty());
}

TEST_CASE("a heartbeat of a serial executor is called once more by its token only") {
    const error_recorder errors;
    std::atomic<int> beats{0};
    stop end;
    {
        manual_executor executor;
        faf::serial_executor serial(executor);
        const auto fire = [&](auto token) {
            fire_and_forget(serial, {.every = 1h, .final_run = true, .stop = token},
                            [&] { ++beats; });
            executor.run_all();
        };
        fire(end.token());
        CHECK(beats == 1);
        end.source.request_stop();
        executor.run_all();
        CHECK(beats == 2);
        fire(stop().token());
        CHECK(beats == 3);
    }
    CHECK(beats == 3);
    CHECK(errors.empty());
}

TEST_CASE("what the last run throws is reported, and it is the last all the same") {
    const error_recorder errors;
    std::atomic<int> beats{0};
    {
        faf::thread_pool pool({.threads = 1});
        fire_and_forget(pool, {.after = 1h, .every = 1h, .final_run = true}, [&] {
            ++beats;
            throw std::runtime_error("goodbye");
        });
    }
    CHECK(beats == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::exception);
    CHECK(errors.errors()[0].what == "goodbye");
}

TEST_CASE("a last run is for what repeats") {
    error_recorder errors;
    manual_executor executor;
    CHECK(fire_and_forget(executor, {.final_run = true}, [] {}).why() ==
          faf::refusal::invalid_options);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what.find("`final_run` needs `every`") != std::string::npos);
}
