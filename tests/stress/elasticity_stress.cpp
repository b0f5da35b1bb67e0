// SPDX-License-Identifier: MIT
// Tasks that block: a pool gets threads for those behind them, up to its limit, and gives them
// back.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "rally.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::priority;
using faf::thread_pool;

/// Keeps those who come until it opens. Shared: a task that is given up may still stand there.
class gate {
public:
    void pass() {
        ++arrived_;
        is_open_.wait(false);
    }
    void open() {
        is_open_ = true;
        is_open_.notify_all();
    }
    unsigned arrived() const { return arrived_; }

private:
    std::atomic<bool> is_open_{false};
    std::atomic<unsigned> arrived_{0};
};

/// Fires `many` tasks that block.
void block(thread_pool& pool, gate& at, unsigned many, const faf::options& how = {}) {
    for (unsigned i = 0; i < many; ++i) {
        REQUIRE(fire_and_forget(pool, how, [&at] { at.pass(); }));
    }
}

TEST_CASE("a hundred tasks that wait for each other all run on a pool of two threads") {
    thread_pool pool({.threads = 2});
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        std::latch all_here(100);
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
        }
        REQUIRE(pool.drain(patience));
        CHECK(pool.snapshot().succeeded == 100U * (static_cast<unsigned>(round) + 1));
    }
    CHECK(eventually([&] { return pool.snapshot().threads <= 2; }));
    CHECK(pool.snapshot().threads >= 1);
    std::atomic<bool> has_run{false};
    fire_and_forget(pool, [&] { has_run = true; });
    CHECK(eventually([&] { return has_run.load(); }));
}

TEST_CASE("a task starts while all before it block") {
    thread_pool pool({.threads = 2});
    gate shut;
    block(pool, shut, 20);
    std::atomic<bool> has_run{false};
    fire_and_forget(pool, [&] { has_run = true; });
    CHECK(eventually([&] { return has_run.load(); }));
    CHECK(eventually([&] { return shut.arrived() == 20; }));
    CHECK(pool.snapshot().threads >= 20);
    shut.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("a pool whose workers wake each other also gets threads for those behind blocked ones") {
    thread_pool pool({.threads = 2, .wake_up = faf::wake::by_worker});
    std::latch all_here(30);
    for (int i = 0; i < 30; ++i) {
        fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
    }
    REQUIRE(pool.drain(patience));
    CHECK(eventually([&] { return pool.snapshot().threads <= 2; }));
    CHECK(rally(pool, 100, [] { return 0ns; }));
}

TEST_CASE("a pool of one thread has one at any time, and runs tasks in order") {
    thread_pool pool({.threads = 1, .starvation_after = 0s});
    gate shut;
    std::vector<int> order;
    std::vector<int> expected;
    fire_and_forget(pool, [&] { shut.pass(); });
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(pool, [&order, i] { order.push_back(i); });
        expected.push_back(i);
    }
    REQUIRE(eventually([&] { return shut.arrived() == 1; }));
    std::this_thread::sleep_for(100ms); // twenty visits of the keeper
    CHECK(pool.snapshot().threads == 1);
    CHECK(order.empty());
    shut.open();
    CHECK(pool.drain(patience));
    CHECK(order == expected);
}

TEST_CASE("a pool of one thread may be allowed more") {
    thread_pool pool({.threads = 1, .max_threads = 3});
    std::latch all_here(3);
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
    }
    CHECK(pool.drain(patience));
}

TEST_CASE("a pool has as many threads as it may, and no more") {
    thread_pool pool({.threads = 2, .max_threads = 7, .starvation_after = 0s});
    gate shut;
    block(pool, shut, 50);
    REQUIRE(eventually([&] { return shut.arrived() == 7; }));
    std::this_thread::sleep_for(100ms);
    CHECK(shut.arrived() == 7);
    CHECK(pool.snapshot().threads == 7);
    CHECK(pool.snapshot().running == 7);
    CHECK(pool.snapshot().pending == 43);
    shut.open();
    CHECK(pool.drain(patience));
    CHECK(eventually([&] { return pool.snapshot().threads <= 2; }));
}

TEST_CASE("fewer threads than the pool is made for can't be asked for") {
    thread_pool pool({.threads = 4, .max_threads = 2});
    std::latch all_here(4);
    for (int i = 0; i < 4; ++i) {
        fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
    }
    CHECK(pool.drain(patience));
}

TEST_CASE("a pool is given more threads as often as it needs them, and gives them back") {
    thread_pool pool({.threads = 2, .max_threads = 12});
    for (int round = 0; round < load(4, 2); ++round) {
        CAPTURE(round);
        std::latch all_here(12);
        for (int i = 0; i < 12; ++i) {
            fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
        }
        REQUIRE(pool.drain(patience));
        REQUIRE(eventually([&] { return pool.snapshot().threads <= 2; }));
        std::latch both_here(2); // the two that are left both work
        fire_and_forget(pool, [&] { both_here.arrive_and_wait(); });
        fire_and_forget(pool, [&] { both_here.arrive_and_wait(); });
        REQUIRE(pool.drain(patience));
    }
}

TEST_CASE("a pool may be shut down while it grows, and all it has accepted runs") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (int round = 0; round < load(40, 10); ++round) {
        CAPTURE(round);
        std::atomic<unsigned> runs{0};
        gate shut;
        std::thread opener;
        {
            thread_pool pool({.threads = 2, .exit_timeout = patience});
            block(pool, shut, 40);
            for (int i = 0; i < 20; ++i) {
                fire_and_forget(pool, [&] { ++runs; });
            }
            std::this_thread::sleep_for(std::chrono::microseconds(random.roll(60'000)));
            opener = std::thread([&] {
                std::this_thread::sleep_for(1ms);
                shut.open();
            });
        }
        CHECK(shut.arrived() == 40);
        CHECK(runs == 20);
        opener.join();
    }
}

TEST_CASE("tasks that keep the processor do not let a pool grow beyond a few threads") {
    thread_pool pool({.threads = 2});
    std::atomic<int> left{40};
    for (int i = 0; i < 40; ++i) { // each longer than a few ticks
        fire_and_forget(pool, [&] {
            spin_for(20ms);
            --left;
        });
    }
    std::size_t most = 0;
    while (left > 0) {
        most = std::max(most, pool.snapshot().threads);
        std::this_thread::sleep_for(1ms);
    }
    CHECK(pool.drain(patience));
    CHECK(most < 20); // soft: on a busy machine a worker may seem to be blocked now and then
}

TEST_CASE("tasks that each block for a moment do not let a pool grow without end") {
    // Again where all were kept for milliseconds: on a busy machine sleepers get up late.
    CHECK(eventually([] {
        thread_pool pool({.threads = 2});
        std::atomic<int> left{load(4'000, 1'000)};
        for (int i = left; i > 0; --i) {
            fire_and_forget(pool, [&] {
                std::this_thread::sleep_for(200us);
                --left;
            });
        }
        std::size_t most = 0;
        while (left > 0) {
            most = std::max(most, pool.snapshot().threads);
            std::this_thread::sleep_for(1ms);
        }
        CHECK(pool.drain(patience));
        return most < 20;
    }));
}

// Starvation --------------------------------------------------------------------------------------

/// Reports of starvation, as the pool's sink hears them.
struct starvation_log {
    std::mutex mutex;
    std::vector<std::string> what;
    std::vector<std::string> tasks;
    std::vector<std::chrono::nanoseconds> waited;
    std::atomic<std::size_t> count{0};
    std::atomic<std::size_t> others{0};

    std::size_t about(std::string_view task) {
        const std::lock_guard lock(mutex);
        return static_cast<std::size_t>(std::count(tasks.begin(), tasks.end(), task));
    }

    faf::error_sink sink() {
        return [this](const faf::error_report& report) {
            if (report.kind != failure::starvation) {
                ++others;
                return;
            }
            const std::lock_guard lock(mutex);
            what.emplace_back(report.what);
            tasks.emplace_back(report.task);
            waited.push_back(report.waited);
            ++count;
        };
    }
};

TEST_CASE("starvation is reported once for each episode, and names what waits and what blocks") {
    starvation_log log;
    thread_pool pool(
        {.threads = 2, .max_threads = 2, .starvation_after = 30ms, .on_error = log.sink()});
    for (std::size_t episode = 1; episode <= 2; ++episode) {
        CAPTURE(episode);
        gate shut;
        const auto line = std::to_string(__LINE__ + 1);
        block(pool, shut, 2, {.name = "blocker", .where = faf::call_site::current()});
        REQUIRE(eventually([&] { return shut.arrived() == 2; }));
        fire_and_forget(pool, {.name = "waiter"}, [] {});
        // A blocker itself may have waited too long for a worker that came late.
        REQUIRE(eventually([&] { return log.about("waiter") >= episode; }));
        std::this_thread::sleep_for(100ms); // time for three more
        CHECK(log.about("waiter") == episode);
        shut.open();
        REQUIRE(pool.drain(patience));
        const std::lock_guard lock(log.mutex);
        const std::string& what = log.what.back();
        CAPTURE(what);
        CHECK(what.find("all 2 threads are kept, and there may be no more: by task \"blocker\" "
                        "(elasticity_stress.cpp:" +
                        line) == 0);
        CHECK(what.find(", task \"blocker\"") != std::string::npos);
        CHECK(what.find(" ms", what.size() - 3) != std::string::npos);
        CHECK(log.tasks.back() == "waiter");
        CHECK(log.waited.back() >= 30ms);
    }
    CHECK(log.others == 0);
}

TEST_CASE("a pool of one thread that its own task waits for in vain says so") {
    starvation_log log;
    thread_pool pool({.threads = 1, .starvation_after = 20ms, .on_error = log.sink()});
    gate shut;
    block(pool, shut, 1);
    fire_and_forget(pool, [] {});
    CHECK(eventually([&] { return log.count >= 1; }));
    shut.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("a pool of one thread does not report a task that takes long as starvation") {
    starvation_log log;
    thread_pool pool({.threads = 1, .on_error = log.sink()});
    gate shut;
    block(pool, shut, 1);
    fire_and_forget(pool, [] {});
    std::this_thread::sleep_for(1'200ms);
    CHECK(log.count == 0);
    shut.open();
    CHECK(pool.drain(patience));
}

TEST_CASE("a sink that blocks over a report of starvation does not stop timers or other pools") {
    gate shut;
    gate in_sink;
    {
        thread_pool pool({.threads = 1,
                          .starvation_after = 20ms,
                          .on_error = [&](const faf::error_report&) { in_sink.pass(); }});
        block(pool, shut, 1);
        fire_and_forget(pool, [] {});
        REQUIRE(eventually([&] { return in_sink.arrived() >= 1; }));
        thread_pool other({.threads = 2});
        std::atomic<int> runs{0};
        fire_and_forget(other, {.every = 1ms},
                        [&] { return ++runs == 20 ? faf::stop_repeating : faf::keep_repeating; });
        CHECK(eventually([&] { return runs == 20; }));
        std::latch all_here(5);
        for (int i = 0; i < 5; ++i) {
            fire_and_forget(other, [&] { all_here.arrive_and_wait(); });
        }
        CHECK(other.drain(patience));
        shut.open();
        in_sink.open();
        CHECK(pool.drain(patience));
    }
}

TEST_CASE("a pool that is destroyed while it reports starvation waits for the sink it borrowed") {
    for (int round = 0; round < load(20, 5); ++round) {
        CAPTURE(round);
        gate shut;
        std::atomic<bool> is_in_sink{false};
        std::atomic<bool> is_gone{false};
        std::atomic<bool> was_used_late{false};
        {
            thread_pool pool({.threads = 1,
                              .starvation_after = 1ms,
                              .exit_timeout = patience,
                              .on_error = [&](const faf::error_report&) {
                                  is_in_sink = true;
                                  std::this_thread::sleep_for(20ms);
                                  was_used_late = was_used_late || is_gone;
                              }});
            block(pool, shut, 1);
            fire_and_forget(pool, [] {});
            REQUIRE(eventually([&] { return is_in_sink.load(); }));
            shut.open();
        }
        is_gone = true;
        std::this_thread::sleep_for(40ms);
        CHECK_FALSE(was_used_late);
    }
}

// Priorities --------------------------------------------------------------------------------------

/// Fires one task after the other, each of which fires the next, so that there are always some.
class endless_flood {
public:
    endless_flood(thread_pool& pool, priority level, int at_a_time)
        : state_(new state{pool, level}) {
        for (int i = 0; i < at_a_time; ++i) {
            fire(state_);
        }
    }
    ~endless_flood() { state_->is_over = true; }
    endless_flood(const endless_flood&) = delete;
    endless_flood& operator=(const endless_flood&) = delete;

    std::uint64_t starts() const { return state_->starts; }

private:
    struct state {
        thread_pool& pool;
        priority level;
        std::atomic<bool> is_over{false};
        std::atomic<std::uint64_t> starts{0};
    };
    static void fire(const std::shared_ptr<state>& of) {
        fire_and_forget(of->pool, {.priority = of->level}, [of] {
            ++of->starts;
            if (!of->is_over) {
                fire(of);
            }
        });
    }

    std::shared_ptr<state> state_;
};

TEST_CASE("tasks of each priority get on under a flood of any other") {
    constexpr priority all[] = {priority::high, priority::normal, priority::low};
    for (const priority flood_level : all) {
        for (const priority level : all) {
            CAPTURE(static_cast<int>(flood_level), static_cast<int>(level));
            thread_pool pool({.threads = 2, .max_threads = 2});
            const endless_flood flood(pool, flood_level, 50);
            std::atomic<int> runs{0};
            for (int i = 0; i < 100; ++i) {
                fire_and_forget(pool, {.priority = level}, [&] { ++runs; });
            }
            CHECK(eventually([&] { return runs == 100; }));
        }
    }
}

TEST_CASE("under floods of high and of low priority normal tasks are not starved") {
    thread_pool pool({.threads = 2, .max_threads = 2});
    const endless_flood high(pool, priority::high, 50);
    const endless_flood low(pool, priority::low, 50);
    const endless_flood normal(pool, priority::normal, 50);
    // Again where this thread may have lost its processor between two looks.
    CHECK(eventually([&] {
        const std::uint64_t high_before = high.starts();
        const std::uint64_t low_before = low.starts();
        const std::uint64_t normal_before = normal.starts();
        REQUIRE(eventually([&] { return high.starts() >= high_before + load(200'000U, 20'000U); }));
        const std::uint64_t of_normal = normal.starts() - normal_before;
        const std::uint64_t of_low = low.starts() - low_before;
        const std::uint64_t of_high = high.starts() - high_before;
        const std::uint64_t all = of_high + of_low + of_normal;
        return of_normal >= all / 20 && of_low >= all / 20 && of_high > all / 2;
    }));
}

} // namespace
