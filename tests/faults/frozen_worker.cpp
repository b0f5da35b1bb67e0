// SPDX-License-Identifier: MIT
// A worker is stopped wherever it is: asleep, looking, in a lane, creating a thread, in a task.
// What it does not hold itself, others get on with.

#include "catch.hpp"
#include "eventually.hpp"
#include "frozen_thread.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <dlfcn.h>
#include <pthread.h>

namespace {

using start_routine = void* (*)(void*);
using create_function = int (*)(pthread_t*, const pthread_attr_t*, start_routine, void*);

/// The next time that this thread starts one, it stands still before it or after it.
enum class standstill { none, before, after };
thread_local standstill next_start = standstill::none;
std::atomic<bool> stands_still{false};
std::atomic<bool> may_go_on{false};

void stand_still() {
    stands_still = true;
    while (!may_go_on) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
}

} // namespace

// Where a sanitizer is linked in, the way to the real function leads through it.
extern "C" [[gnu::weak]] int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*,
                                                          start_routine, void*);

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* how, start_routine start,
                              void* argument) {
    static const create_function real =
        __interceptor_pthread_create != nullptr
            ? &__interceptor_pthread_create
            : reinterpret_cast<create_function>(dlsym(RTLD_NEXT, "pthread_create"));
    const standstill when = std::exchange(next_start, standstill::none);
    if (when == standstill::before) {
        stand_still();
    }
    const int result = real(thread, how, start, argument);
    if (when == standstill::after) {
        stand_still();
    }
    return result;
}

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;

bool is_left_out() {
    if (!can_freeze) {
        WARN("left out: ThreadSanitizer puts off the signal that stops a thread");
    }
    return !can_freeze;
}

/// Hires as many workers as come without need, so that none of them has to start another one any
/// more, which takes locks; returns the thread of one.
pthread_t hire(thread_pool& pool, unsigned threads = 1) {
    std::atomic<pthread_t> thread{};
    std::atomic<unsigned> come{0};
    std::atomic<unsigned> gone{0};
    for (unsigned i = 0; i < threads; ++i) {
        fire_and_forget(pool, [&] {
            thread = let_be_frozen();
            for (++come; come < threads;) {
                std::this_thread::sleep_for(std::chrono::microseconds(100));
            }
            ++gone;
        });
    }
    REQUIRE(eventually([&] { return gone == threads; }));
    return thread;
}

void fire_some(thread_pool& pool, std::atomic<long>& runs, long many) {
    for (long i = 0; i < many; ++i) {
        fire_and_forget(pool, [&runs] { ++runs; });
    }
}

/// All but those that the frozen thread has taken itself.
bool all_run(const std::atomic<long>& runs, long many) {
    return eventually([&] { return runs >= many - 1; });
}

struct kind_of_pool {
    unsigned threads;
    unsigned most;
    faf::wake way;
};
constexpr kind_of_pool kinds[] = {{2, 2, faf::wake::adaptive},  {1, 3, faf::wake::adaptive},
                                  {2, 2, faf::wake::by_caller}, {1, 3, faf::wake::by_caller},
                                  {2, 2, faf::wake::by_worker}, {1, 3, faf::wake::by_worker}};

TEST_CASE("a worker that is stopped in its sleep keeps no task waiting") {
    if (is_left_out()) {
        return;
    }
    for (const kind_of_pool& kind : kinds) {
        CAPTURE(kind.threads, static_cast<int>(kind.way));
        thread_pool pool({.threads = kind.threads, .max_threads = kind.most, .wake_up = kind.way});
        const pthread_t worker = hire(pool, kind.threads);
        std::this_thread::sleep_for(100ms); // the keeper sleeps as well
        std::atomic<long> runs{0};
        {
            const frozen_thread stopped(worker);
            REQUIRE(stopped);
            fire_some(pool, runs, 1'000);
            CHECK(all_run(runs, 1'000));
        }
        CHECK(pool.drain(patience));
        CHECK(runs == 1'000);
    }
}

/// At some moment between two tasks: while it looks, falls asleep, wakes, or takes a task.
TEST_CASE("a worker that is stopped between two tasks keeps at most a lane waiting") {
    if (is_left_out()) {
        return;
    }
    for (const kind_of_pool& kind : kinds) {
        for (int round = 0; round < load(15, 4); ++round) {
            CAPTURE(kind.threads, static_cast<int>(kind.way), round);
            thread_pool pool(
                {.threads = kind.threads, .max_threads = kind.most, .wake_up = kind.way});
            const pthread_t worker = hire(pool, kind.threads);
            std::atomic<long> runs{0};
            std::atomic<long> own_runs{0}; // outlives the stop: the worker may have taken one
            std::atomic<bool> is_over{false};
            std::thread other([&] { // its lane is the one that the worker may hold
                for (long fired = 0; !is_over;) {
                    if (runs == fired) { // so that it does not stand still with the lock of malloc
                        fire_some(pool, runs, 20);
                        fired += 20;
                    }
                    std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
                }
            });
            std::this_thread::sleep_for(2ms);
            {
                const frozen_thread stopped(worker);
                REQUIRE(stopped);
                fire_some(pool, own_runs, 60); // in another lane
                CHECK(all_run(own_runs, 60));
                is_over = true;
                other.join();
            }
            CHECK(pool.drain(patience));
        }
    }
}

TEST_CASE("a submitter that is stopped while it starts a thread keeps nobody waiting") {
    for (const standstill when : {standstill::before, standstill::after}) {
        for (const unsigned threads : {1U, 2U}) {
            CAPTURE(static_cast<int>(when), threads);
            thread_pool other({.threads = 1});
            static_cast<void>(hire(other)); // and so the keeper is there
            thread_pool pool({.threads = threads, .max_threads = 3});
            std::atomic<long> runs{0};
            may_go_on = stands_still = false;
            std::thread stopped([&] {
                next_start = when;
                fire_some(pool, runs, 1);
            });
            REQUIRE(eventually([&] { return stands_still.load(); }));
            fire_some(pool, runs, 1'000); // returns
            static_cast<void>(pool.snapshot());
            CHECK(eventually([&] { return runs == 1'001; }));
            std::atomic<bool> has_run{false};
            fire_and_forget(other, {.after = 10ms}, [&] { has_run = true; });
            CHECK(eventually([&] { return has_run.load(); }));
            may_go_on = true;
            stopped.join();
            CHECK(pool.drain(patience));
            CHECK(runs == 1'001);
        }
    }
}

/// False if the keeper was quicker than the worker that was to start another.
bool stop_a_worker_that_starts_another() {
    thread_pool pool({.threads = 3, .max_threads = 3});
    std::atomic<long> runs{0};
    fire_some(pool, runs, 1); // a worker, and the keeper
    REQUIRE(pool.drain(patience));
    std::this_thread::sleep_for(20ms);
    may_go_on = stands_still = false;
    std::atomic<bool> may_end{false};
    std::atomic<bool> is_late{false};
    fire_and_forget(pool, [&] {
        next_start = standstill::before;
        fire_some(pool, runs, 10); // the first of these rings for another worker
        next_start = standstill::none;
        is_late = !may_go_on;
        while (!may_end) {
            std::this_thread::sleep_for(100us);
        }
    });
    CHECK(eventually([&] { return stands_still || is_late; }));
    const bool is_tried = stands_still;
    if (is_tried) {
        fire_some(pool, runs, 1'000);
        CHECK(eventually([&] { return runs >= 1'001; }));
        std::atomic<bool> has_run{false};
        fire_and_forget(pool, {.after = 10ms}, [&] { has_run = true; });
        CHECK(eventually([&] { return has_run.load(); }));
    }
    may_go_on = may_end = true;
    CHECK(pool.drain(patience));
    return is_tried;
}

TEST_CASE("a worker that is stopped while it starts another keeps no task, no call and no timer") {
    constexpr int most_tries = 100;
    int tries = 1;
    while (!stop_a_worker_that_starts_another() && tries < most_tries) {
        ++tries;
    }
    CHECK(tries < most_tries);
}

TEST_CASE("a pool whose worker does not come to leave ends all the same") {
    if (is_left_out()) {
        return;
    }
    std::optional<thread_pool> pool;
    pool.emplace(faf::pool_options{.threads = 2, .max_threads = 2});
    const pthread_t worker = hire(*pool);
    std::this_thread::sleep_for(20ms);
    const frozen_thread stopped(worker);
    REQUIRE(stopped);
    CHECK(pool->shutdown(100ms));
    pool.reset();
}

} // namespace
