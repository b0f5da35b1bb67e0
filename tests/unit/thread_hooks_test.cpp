// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/pool/thread_hooks.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>

#if defined(__linux__)
#include <pthread.h>
#endif

using namespace std::chrono_literals;
using faf::fire_and_forget;
using faf::thread_pool;
using faf::worker_info;
using faf::testing::error_recorder;
using faf_test::eventually;

namespace {

static_assert(std::is_convertible_v<std::function<void(const worker_info&)>, faf::thread_hook>);
static_assert(std::is_convertible_v<void (*)(const worker_info&), faf::thread_hook>);

/// Whether the calling thread is between the hooks of its pool.
thread_local bool is_ready = false;

/// Counts what becomes of the threads of a pool.
struct attendance {
    std::atomic<int> started{0};
    std::atomic<int> stopped{0};
    std::atomic<int> amiss{0};

    void note(bool is_right) { amiss += is_right ? 0 : 1; }

    faf::thread_hook at_start() {
        return [this](const worker_info& me) {
            note(!is_ready && faf::this_worker()->index == me.index);
            is_ready = true;
            ++started;
        };
    }
    faf::thread_hook at_stop() {
        return [this](const worker_info& me) {
            note(is_ready && faf::this_worker()->index == me.index);
            is_ready = false;
            ++stopped;
        };
    }
};

/// As many tasks as run at the same time.
void meet(thread_pool& pool, int many) {
    std::latch all(many);
    for (int i = 0; i < many; ++i) {
        fire_and_forget(pool, [&all] { all.arrive_and_wait(); });
    }
    pool.drain();
}

} // namespace

TEST_CASE("each thread of a pool runs its tasks between the hooks") {
    attendance book;
    {
        thread_pool pool({.threads = 4,
                          .fixed = true,
                          .on_thread_start = book.at_start(),
                          .on_thread_stop = book.at_stop()});
        meet(pool, 4);
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(pool, [&] { book.note(is_ready); });
        }
        pool.drain();
        CHECK(book.started == 4);
        CHECK(book.stopped == 0);
    }
    CHECK(book.stopped == 4);
    CHECK(book.amiss == 0);
}

TEST_CASE("a thread that is hired for one that is blocked has the hooks as well") {
    attendance book;
    {
        thread_pool pool({.threads = 1,
                          .max_threads = 3,
                          .on_thread_start = book.at_start(),
                          .on_thread_stop = book.at_stop()});
        meet(pool, 3);
        CHECK(book.started == 3);
    }
    CHECK(book.stopped == 3);
    CHECK(book.amiss == 0);
}

TEST_CASE("a pool without threads has called no hook") {
    attendance book;
    {
        const thread_pool pool(
            {.on_thread_start = book.at_start(), .on_thread_stop = book.at_stop()});
    }
    CHECK(book.started == 0);
    CHECK(book.stopped == 0);
}

#if defined(__linux__) && defined(__GLIBCXX__)

TEST_CASE("the hooks are called on a thread that a task ends, and on the one that comes for it") {
    const error_recorder errors;
    attendance book;
    {
        thread_pool pool(
            {.threads = 1, .on_thread_start = book.at_start(), .on_thread_stop = book.at_stop()});
        fire_and_forget(pool, [] { pthread_exit(nullptr); });
        pool.drain();
        fire_and_forget(pool, [&] { book.note(is_ready); });
        pool.drain();
        CHECK(book.started == 2);
        CHECK(eventually([&] { return book.stopped == 1; }));
    }
    CHECK(book.stopped == 2);
    CHECK(book.amiss == 0);
    CHECK(errors.count() == 1);
}

#endif

TEST_CASE("what a hook throws is reported to the pool's sink, and the thread goes on") {
    const error_recorder others;
    const error_recorder errors;
    std::atomic<int> runs{0};
    {
        thread_pool pool(
            {.threads = 1,
             .on_thread_start = [](const worker_info&) { throw std::runtime_error("no cpu"); },
             .on_thread_stop = [](const worker_info&) { throw 42; },
             .on_error = errors.sink()});
        fire_and_forget(pool, [&] { ++runs; });
        pool.drain();
        fire_and_forget(pool, [&] { ++runs; });
    }
    CHECK(runs == 2);
    REQUIRE(errors.count() == 2);
    const auto reports = errors.errors();
    CHECK(reports[0].kind == faf::failure::hook_failed);
    CHECK(reports[0].what == "no cpu");
    CHECK(reports[0].task == "on_thread_start");
    CHECK(reports[0].exception);
    CHECK(reports[1].kind == faf::failure::hook_failed);
    CHECK(reports[1].task == "on_thread_stop");
    CHECK(reports[1].type == "int");
    CHECK(others.empty());
}

TEST_CASE("a hook may fire at its pool, and while it takes its time others do the work") {
    std::latch has_run(1);
    std::atomic<int> fired{0};
    thread_pool pool({.threads = 2, .fixed = true, .on_thread_start = [&](const worker_info& me) {
                          if (me.index == 0) {
                              fire_and_forget(pool, [&] { ++fired; });
                              has_run.wait(); // on the other
                          }
                      }});
    fire_and_forget(pool, [&] { has_run.count_down(); });
    CHECK(pool.drain());
    CHECK(fired == 1);
}

TEST_CASE("no hook is called when the pool's owner is gone") {
    const error_recorder errors;
    attendance book;
    std::latch has_started(1);
    std::latch may_end(1);
    std::atomic<bool> has_ended{false};
    {
        thread_pool pool({.threads = 1, .exit_timeout = 0s, .on_thread_stop = book.at_stop()});
        fire_and_forget(pool, [&] {
            const auto at_the_end = [&](void*) { has_ended = true; };
            thread_local std::unique_ptr<void, decltype(at_the_end)> last(&has_ended, at_the_end);
            has_started.count_down();
            may_end.wait();
        });
        has_started.wait();
    }
    may_end.count_down();
    CHECK(eventually([&] { return has_ended.load(); }));
    CHECK(book.stopped == 0);
    CHECK(errors.count() == 1); // abandoned
}

TEST_CASE("a task is told its worker and its pool; nobody is told anything elsewhere") {
    CHECK_FALSE(faf::this_worker());
    std::mutex mutex;
    std::set<unsigned> indices;
    std::set<std::string> pools;
    thread_pool pool({.threads = 3, .fixed = true, .name = std::string("parser")});
    std::latch all(3);
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(pool, [&] {
            all.arrive_and_wait();
            const std::lock_guard lock(mutex);
            indices.insert(faf::this_worker().value().index);
            pools.insert(std::string(faf::this_worker()->pool));
        });
    }
    pool.drain();
    CHECK(indices == std::set<unsigned>{0, 1, 2});
    CHECK(pools == std::set<std::string>{"parser"});
    std::atomic<bool> is_told{false};
    fire_and_forget(faf::own_thread, [&] { is_told = faf::this_worker().has_value(); });
    faf::drain();
    CHECK_FALSE(is_told);
    faf::testing::manual_executor executor;
    fire_and_forget(executor, [&] { is_told = faf::this_worker().has_value(); });
    executor.run_all();
    CHECK_FALSE(is_told);
}
