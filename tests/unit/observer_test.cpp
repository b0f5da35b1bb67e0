// SPDX-License-Identifier: MIT
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/observer.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::observed_task;
using faf::run_result;
using faf::thread_pool;
using namespace std::chrono_literals;

/// Writes down what it hears of each task: f(ired), b(egun), how it ended, g(one).
class scribe final : public faf::task_observer {
public:
    std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

    void* fired(const observed_task& task) override {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::string(task.name) + ": f");
        return reinterpret_cast<void*>(lines_.size());
    }
    void begin(const observed_task&, void* its) override { add(its, " b"); }
    void end(const observed_task&, void* its, run_result how) override {
        add(its, how == run_result::succeeded ? " succeeded"
                 : how == run_result::failed  ? " failed"
                                              : " suspended");
    }
    void gone(void* its) override { add(its, " g"); }

private:
    void add(void* its, const char* word) {
        const std::lock_guard lock(mutex_);
        lines_[reinterpret_cast<std::size_t>(its) - 1] += word;
    }

    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

void no_sink(const faf::error_report&) {}

using lines = std::vector<std::string>;

TEST_CASE("an observer hears of each task when it is fired, begins, ends and is gone") {
    scribe heard;
    {
        thread_pool pool({.threads = 1, .observer = &heard, .on_error = no_sink});
        fire_and_forget(pool, [] {});
        fire_and_forget(pool, {.name = "bad"}, [] { throw std::runtime_error("bad"); });
        fire_and_forget(pool, {.name = "later", .after = 1ms}, [] {});
        REQUIRE(pool.drain(60s));
    }
    CHECK(heard.lines() ==
          lines{": f b succeeded g", "bad: f b failed g", "later: f b succeeded g"});
}

TEST_CASE("an observer hears of each run of a task that repeats, and of its end once") {
    scribe heard;
    {
        thread_pool pool({.threads = 1, .observer = &heard});
        fire_and_forget(pool, {.name = "beat", .every = 1ms}, [left = 3]() mutable {
            return --left > 0 ? faf::keep_repeating : faf::stop_repeating;
        });
        REQUIRE(faf_test::eventually([&] { return heard.lines().back().ends_with('g'); }));
    }
    CHECK(heard.lines() == lines{"beat: f b succeeded b succeeded b succeeded g"});
}

TEST_CASE("an observer hears of each stretch of a coroutine") {
    scribe heard;
    {
        thread_pool pool({.threads = 1, .observer = &heard});
        fire_and_forget(pool, {.name = "two naps"}, []() -> faf::task<> {
            co_await faf::sleep_for(1ms);
            co_await faf::sleep_for(1ms);
        });
        fire_and_forget(pool, {.name = "fails"}, []() -> faf::task<> {
            co_await faf::sleep_for(1ms);
            throw faf::task_cancelled();
        });
        REQUIRE(pool.drain(60s));
    }
    CHECK(heard.lines() == lines{"two naps: f b suspended b suspended b succeeded g",
                                 "fails: f b suspended b failed g"});
}

TEST_CASE("a task that never runs is fired and gone for an observer") {
    scribe heard;
    {
        thread_pool pool({.threads = 1, .observer = &heard, .on_error = no_sink});
        fire_and_forget(pool, {.name = "too late", .expires = -1ns}, [] {});
        REQUIRE(pool.drain(60s));
        pool.shutdown(60s);
        fire_and_forget(pool, {.name = "refused"}, [] {});
    }
    const lines all = heard.lines();
    REQUIRE(!all.empty());
    CHECK(all.front() == "too late: f g");
    CHECK((all.size() == 1 || all.back() == "refused: f g"));
}

/// When the tasks that it hears of could start.
class due_times final : public faf::task_observer {
public:
    void* fired(const observed_task& task) override {
        due = task.due;
        return nullptr;
    }
    std::chrono::steady_clock::time_point due;
};

TEST_CASE("a delayed task could start when its time comes, another one when it is fired") {
    due_times times;
    thread_pool pool({.threads = 1, .observer = &times});
    const auto before = std::chrono::steady_clock::now();
    fire_and_forget(pool, {.after = 10ms}, [] {});
    CHECK(times.due >= before + 10ms);
    fire_and_forget(pool, [] {});
    CHECK(times.due >= before);
    CHECK(times.due <= std::chrono::steady_clock::now());
    REQUIRE(pool.drain(60s));
}

/// Something of the thread that fires, which is to be there where the task runs.
thread_local int request = 0;

class request_context final : public faf::task_observer {
public:
    void* fired(const observed_task&) override { return new int(request); }
    void begin(const observed_task&, void* its) override { request = *static_cast<int*>(its); }
    void end(const observed_task&, void*, run_result) override { request = 0; }
    void gone(void* its) override { delete static_cast<int*>(its); }
};

TEST_CASE("an observer takes along what belongs to the thread that fires, from task to task") {
    request_context context;
    std::atomic<int> outer = 0;
    std::atomic<int> inner = 0;
    std::atomic<int> resumed = 0;
    {
        thread_pool pool({.threads = 2, .observer = &context});
        request = 7;
        fire_and_forget(pool, [&] {
            outer = request;
            fire_and_forget(pool, [&] { inner = request; });
            fire_and_forget(pool, [&]() -> faf::task<> {
                co_await faf::sleep_for(1ms);
                resumed = request;
            });
        });
        request = 0;
        REQUIRE(pool.drain(60s));
    }
    CHECK(outer == 7);
    CHECK(inner == 7);
    CHECK(resumed == 7);
}

class failing_observer final : public faf::task_observer {
public:
    void* fired(const observed_task& task) override {
        return task.name.empty() ? nullptr : throw std::runtime_error("fired");
    }
    void begin(const observed_task&, void*) override { throw std::runtime_error("begin"); }
    void end(const observed_task&, void*, run_result) override { throw std::runtime_error("end"); }
    void gone(void*) override { throw std::runtime_error("gone"); }
};

TEST_CASE("what an observer throws is reported, and the task runs") {
    failing_observer failing;
    std::mutex mutex;
    std::vector<std::string> told;
    faf::set_error_sink([&](const faf::error_report& report) {
        const std::lock_guard lock(mutex);
        told.push_back(std::string(faf::to_string(report.kind)) + ' ' + std::string(report.what));
    });
    std::atomic<int> ran = 0;
    {
        thread_pool pool({.threads = 1, .observer = &failing});
        fire_and_forget(pool, [&] { ++ran; });
        REQUIRE(pool.drain(60s));
        fire_and_forget(pool, {.name = "without a context"}, [&] { ++ran; });
        REQUIRE(pool.drain(60s));
        CHECK(pool.snapshot().succeeded == 2);
    }
    faf::set_error_sink({});
    CHECK(ran == 2);
    const std::string kind(faf::to_string(faf::failure::hook_failed));
    CHECK(told == lines{kind + " begin", kind + " end", kind + " gone", kind + " fired"});
}

TEST_CASE("an observer hears of what a serial executor and a key of its pool run") {
    scribe heard;
    {
        thread_pool pool({.threads = 1, .observer = &heard, .on_error = no_sink});
        faf::serial_executor line(pool);
        faf::serial_executor second_line{faf::executor_ref(line)};
        faf::conflating_executor<int> latest(line);
        faf::task_scope scope(second_line);
        fire_and_forget(line, [] {}); // which would be stored in place
        REQUIRE(pool.drain(60s));
        fire_and_forget(line, {.name = "failing"}, [] { throw std::runtime_error("as planned"); });
        REQUIRE(pool.drain(60s));
        fire_and_forget(second_line, {.name = "second"}, [] {});
        REQUIRE(pool.drain(60s));
        fire_and_forget(second_line, {.name = "later", .after = 1ms}, [] {});
        REQUIRE(pool.drain(60s));
        fire_and_forget(scope, {.name = "coroutine"},
                        []() -> faf::task<> { co_await faf::yield(); });
        REQUIRE(pool.drain(60s));
        pool.pause();
        fire_and_forget(latest[1], {.name = "old"}, [] {});
        fire_and_forget(latest[1], {.name = "new"}, [] {});
        pool.resume();
        REQUIRE(pool.drain(60s));
    }
    CHECK(heard.lines() == lines{": f b succeeded g", "failing: f b failed g",
                                 "second: f b succeeded g", "later: f b succeeded g",
                                 "coroutine: f b suspended b succeeded g", "old: f g",
                                 "new: f b succeeded g"});
}

TEST_CASE("a pool with an observer and a limit counts as one without") {
    scribe heard;
    {
        thread_pool pool({.threads = 1,
                          .max_pending = 2,
                          .when_full = faf::overflow::drop_oldest,
                          .observer = &heard,
                          .on_error = no_sink});
        for (int i = 0; i < 50; ++i) {
            fire_and_forget(pool, [] {});
        }
        REQUIRE(pool.drain(60s));
        const faf::stats books = pool.snapshot();
        CHECK(books.accepted == 50);
        CHECK(books.succeeded + books.dropped == 50);
    }
    for (const std::string& line : heard.lines()) {
        CHECK((line == ": f b succeeded g" || line == ": f g"));
    }
    CHECK(heard.lines().size() == 50);
}

} // namespace
