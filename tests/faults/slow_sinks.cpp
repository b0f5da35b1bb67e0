// SPDX-License-Identifier: MIT
// Sinks and destructors that take their time, for what the keeper finds out: it looks after the
// timers and the growth of all, and must not wait for them.

#include "child.hpp"
#include "eventually.hpp"
#include "refused_threads.hpp"

#include <fire_and_forget/detail/executor/errands.hpp>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>

#include <pthread.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::thread_pool;

bool is_on_keeper() {
    std::array<char, 32> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    return std::string(name.data()) == "faf/keeper";
}

void refuse_threads() {
    new_threads.refuse(new_threads.calls, new_threads.never_again);
}

/// A pool all of whose threads are there, and a timer that counts.
struct ticking_pool {
    explicit ticking_pool(unsigned threads = 2)
        : pool({.threads = threads, .max_threads = threads}) {
        std::latch all_here(threads);
        for (unsigned i = 0; i < threads; ++i) {
            fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
        }
        CHECK(pool.drain(patience));
        fire_and_forget(pool, {.every = 1ms}, [this] { ++ticks; });
    }
    bool goes_on() {
        const long before = ticks;
        return eventually([&] { return ticks > before + 20; });
    }
    std::atomic<long> ticks{0};
    thread_pool pool;
};

/// With a task that blocks, and another behind it.
struct blocked_pool {
    explicit blocked_pool(faf::pool_options how) : pool(std::move(how)) {
        fire_and_forget(pool, [this] {
            has_begun = true;
            may_end.wait(false);
        });
        CHECK(eventually([&] { return has_begun.load(); }));
    }
    ~blocked_pool() {
        may_end = true;
        may_end.notify_all();
    }
    blocked_pool(const blocked_pool&) = delete;
    blocked_pool& operator=(const blocked_pool&) = delete;

    std::atomic<bool> has_begun{false};
    std::atomic<bool> may_end{false};
    thread_pool pool;
};

/// Keeps who makes a report until it is told.
struct slow_sink {
    std::atomic<bool> is_called{false};
    std::atomic<bool> was_on_keeper{false};
    std::atomic<bool> may_end{false};

    faf::error_sink sink() {
        return [this](const faf::error_report&) {
            was_on_keeper = was_on_keeper || is_on_keeper();
            is_called = true;
            while (!may_end) {
                std::this_thread::sleep_for(100us);
            }
        };
    }
};

TEST_CASE("a slow sink that hears of a refused thread stops no timer of another pool") {
    slow_sink slow;
    ticking_pool other;
    {
        blocked_pool blocked({.threads = 1, .max_threads = 8, .on_error = slow.sink()});
        refuse_threads();
        fire_and_forget(blocked.pool, [] {});
        CHECK(eventually([&] { return slow.is_called.load(); }));
        CHECK(other.goes_on());
        slow.may_end = true;
        new_threads.refuse_none();
    }
    CHECK_FALSE(slow.was_on_keeper);
}

TEST_CASE("without any further thread a report does not take a pool's last worker") {
    slow_sink slow;
    ticking_pool other(1);
    {
        blocked_pool blocked({.threads = 1, .max_threads = 8, .on_error = slow.sink()});
        refuse_threads();
        fire_and_forget(blocked.pool, [] {});
        CHECK(eventually([] { return faf::detail::errands::instance().is_any_left(); }));
        CHECK(other.goes_on());
        CHECK_FALSE(slow.is_called);
        new_threads.refuse_none(); // the keeper tries again
        CHECK(eventually([&] { return slow.is_called.load(); }));
        CHECK(other.goes_on());
        slow.may_end = true;
    }
    CHECK_FALSE(slow.was_on_keeper);
}

TEST_CASE("a drain makes the report that no other thread can make") {
    std::atomic<int> reports{0};
    thread_pool third({.threads = 1});
    blocked_pool blocked({.threads = 1, .max_threads = 8, .on_error = [&](const auto&) {
                              CHECK_FALSE(is_on_keeper());
                              ++reports;
                          }});
    refuse_threads();
    fire_and_forget(blocked.pool, [] {});
    CHECK(eventually([] { return faf::detail::errands::instance().is_any_left(); }));
    CHECK_FALSE(blocked.pool.drain(200ms));
    CHECK(reports == 1);
    new_threads.refuse_none();
}

TEST_CASE("a slow sink that hears of starvation stops no timer of another pool") {
    slow_sink slow;
    ticking_pool other;
    {
        blocked_pool blocked({.threads = 1, .starvation_after = 20ms, .on_error = slow.sink()});
        fire_and_forget(blocked.pool, [] {});
        CHECK(eventually([&] { return slow.is_called.load(); }));
        CHECK(other.goes_on());
        slow.may_end = true;
    }
    CHECK_FALSE(slow.was_on_keeper);
}

TEST_CASE("a task that gets no thread when it is due holds up no timer of another executor") {
    ticking_pool other;
    const long before = new_threads.refused.load();
    std::atomic<bool> has_run{false};
    refuse_threads();
    fire_and_forget(faf::own_thread, {.after = 20ms}, [&] { has_run = true; });
    CHECK(eventually([&] { return new_threads.refused >= before + 6; })); // three tries each time
    CHECK(other.goes_on());
    CHECK_FALSE(has_run);
    new_threads.refuse_none();
    CHECK(eventually([&] { return has_run.load(); }));
    CHECK(faf::drain(patience));
}

} // namespace
