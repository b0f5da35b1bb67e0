// SPDX-License-Identifier: MIT
// Coroutines on real threads: sleeps, turns, callbacks, stops and the end of their pool.
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"
#include "load.hpp"

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf_test::eventually;
using faf_test::patience;
using namespace std::chrono_literals;

/// Counts those of its kind that are alive.
class alive {
public:
    explicit alive(std::atomic<long>& count) noexcept : count_(&count) { ++*count_; }
    alive(const alive& other) noexcept : alive(*other.count_) {}
    alive& operator=(const alive&) = delete;
    ~alive() { --*count_; }

private:
    std::atomic<long>* count_;
};

faf::task<int> nap(std::chrono::nanoseconds time, int value) {
    co_await faf::sleep_for(time);
    co_return value;
}

faf::detached count_detached(std::atomic<long>& done) {
    co_await faf::sleep_for(1ms);
    ++done;
}

} // namespace

TEST_CASE("coroutines that sleep, yield and change their pool all come to their end") {
    constexpr long many = 20'000;
    std::atomic<long> done{0};
    std::atomic<long> living{0};
    faf::thread_pool first({.threads = 2});
    faf::thread_pool second({.threads = 2});
    for (long i = 0; i < many; ++i) {
        fire_and_forget(first, [&, token = alive(living), i]() -> faf::task<> {
            const int got = co_await nap(std::chrono::microseconds(i % 5'000), 1);
            co_await faf::resume_on(second);
            co_await faf::yield();
            static_cast<void>(co_await nap(std::chrono::microseconds(i % 700), 2));
            co_await faf::resume_on(first);
            done += got;
        });
    }
    CHECK(eventually([&] { return done == many && living == 0; }));
    CHECK(first.drain(patience));
    CHECK(second.drain(patience));
}

TEST_CASE("stops that meet sleeps wake each of them") {
    error_recorder errors(faf::hears::cancelled_too);
    constexpr long many = 5'000;
    std::atomic<long> cancelled{0};
    faf::thread_pool pool({.threads = 2});
    std::vector<std::stop_source> stops(many);
    std::thread stopper;
    for (long i = 0; i < many; ++i) {
        fire_and_forget(pool, {.stop = stops[static_cast<std::size_t>(i)].get_token()},
                        [&cancelled]() -> faf::task<> {
                            try {
                                co_await faf::sleep_for(1h);
                            } catch (const faf::task_cancelled&) { // counted
                                ++cancelled;
                            }
                        });
        if (i == many / 2) {
            stopper = std::thread([&stops] {
                for (std::stop_source& one : stops) {
                    one.request_stop();
                }
            });
        }
    }
    stopper.join();
    // Those that were asked before they started were cancelled without having run.
    CHECK(pool.drain(patience));
    long unstarted = 0;
    for (const auto& error : errors.errors()) {
        unstarted += error.kind == faf::failure::cancelled ? 1 : 0;
    }
    CHECK(cancelled + unstarted == many);
}

TEST_CASE("the end of a pool ends a hundred thousand sleeps, and nothing is left") {
    error_recorder errors(faf::hears::cancelled_too);
    constexpr long many = 100'000;
    std::atomic<long> living{0};
    {
        faf::thread_pool pool({.threads = 2});
        for (long i = 0; i < many; ++i) {
            fire_and_forget(
                pool, [token = alive(living)]() -> faf::task<> { co_await faf::sleep_for(1h); });
        }
        CHECK(eventually([&] {
            const faf::stats now = pool.snapshot();
            return now.accepted == many && now.running == 0 && now.threads > 0;
        }));
        CHECK(pool.shutdown(patience));
    }
    CHECK(living == 0);
    std::uint64_t told = 0;
    for (const auto& error : errors.errors()) {
        told += error.kind == faf::failure::cancelled ? 1 + error.suppressed : 0;
    }
    CHECK(told == many);
}

TEST_CASE("what does not unwind by the deadline is destroyed and reported as abandoned") {
    error_recorder errors;
    std::atomic<long> living{0};
    {
        faf::thread_pool pool({.threads = 1});
        for (int i = 0; i < 100; ++i) {
            fire_and_forget(pool, [token = alive(living)]() -> faf::task<> {
                for (;;) { // it insists
                    try {
                        co_await faf::yield();
                    } catch (const faf::task_cancelled&) { // that is what it ignores once
                        break;
                    }
                }
            });
        }
        CHECK(eventually([&] { return living == 100; }));
        static_cast<void>(pool.shutdown(50ms));
    }
    CHECK(eventually([&] { return living == 0; })); // one may have run just then
}

TEST_CASE("callbacks from many threads resume each coroutine once") {
    constexpr int rounds = 2'000;
    std::atomic<long> sum{0};
    faf::thread_pool pool({.threads = 2});
    std::mutex mutex;
    std::vector<faf::completion<int>::completer_type> waiting;
    std::atomic<bool> is_over{false};
    std::vector<std::thread> callers;
    for (int i = 0; i < 2; ++i) {
        callers.emplace_back([&] {
            while (!is_over) {
                std::vector<faf::completion<int>::completer_type> mine;
                {
                    const std::lock_guard lock(mutex);
                    std::swap(mine, waiting);
                }
                for (auto& one : mine) {
                    one(1);
                }
            }
        });
    }
    for (int i = 0; i < rounds; ++i) {
        fire_and_forget(pool, [&]() -> faf::task<> {
            for (int turn = 0; turn < 3; ++turn) {
                faf::completion<int> done;
                {
                    const std::lock_guard lock(mutex);
                    waiting.push_back(done.completer());
                }
                sum += co_await done;
            }
        });
    }
    CHECK(eventually([&] { return sum == 3L * rounds; }));
    is_over = true;
    for (std::thread& one : callers) {
        one.join();
    }
}

TEST_CASE("a coroutine is accepted once and has one fate, however often it waits") {
    constexpr std::uint64_t many = 2'000;
    faf::thread_pool pool({.threads = 2});
    faf::thread_pool other({.threads = 2});
    std::mutex mutex;
    std::vector<faf::completion<int>::completer_type> callbacks;
    for (std::uint64_t i = 0; i < many; ++i) {
        fire_and_forget(pool, [&, i]() -> faf::task<> {
            co_await faf::sleep_for(std::chrono::microseconds(i % 500));
            co_await faf::yield();
            co_await faf::resume_on(other);
            co_await faf::yield();
            faf::completion<int> done;
            {
                const std::lock_guard lock(mutex);
                callbacks.push_back(done.completer());
            }
            static_cast<void>(co_await done);
            if (i % 2 == 0) {
                co_await faf::resume_on(pool);
            }
        });
    }
    const auto adds_up = [](const faf::stats& now) {
        return now.accepted ==
                   now.succeeded + now.failed + now.dropped + now.pending + now.running &&
               now.pending <= now.accepted && now.running <= now.accepted;
    };
    bool is_right = true;
    CHECK(eventually([&] {
        const faf::stats here = pool.snapshot();
        const faf::stats there = other.snapshot();
        is_right = is_right && adds_up(here) && adds_up(there) && here.accepted == many &&
                   there.accepted == 0;
        std::vector<faf::completion<int>::completer_type> mine;
        {
            const std::lock_guard lock(mutex);
            std::swap(mine, callbacks);
        }
        for (auto& one : mine) {
            one(1);
        }
        return here.succeeded == many;
    }));
    CHECK(is_right);
    CHECK(pool.drain(patience));
    CHECK(pool.snapshot().pending == 0);
    CHECK(pool.snapshot().resumptions >= 2 * many);
}

TEST_CASE("a pool's drain waits for a coroutine that it was fired at, wherever that is") {
    faf::thread_pool pool({.threads = 1});
    faf::thread_pool other({.threads = 1});
    faf::completion<> go_on;
    std::atomic<bool> is_away{false};
    std::atomic<bool> is_done{false};
    fire_and_forget(pool, [&]() -> faf::task<> {
        co_await faf::resume_on(other);
        is_away = true;
        co_await go_on;
        co_await faf::sleep_for(1ms);
        is_done = true;
    });
    CHECK(eventually([&] { return is_away.load(); }));
    CHECK(!pool.drain(1ms));
    CHECK(eventually([&] { return pool.snapshot().pending == 1; })); // its stretch may just end
    go_on.complete();
    CHECK(pool.drain(patience));
    CHECK(is_done);
    CHECK(pool.snapshot().succeeded == 1);
    CHECK(other.snapshot().accepted == 0);
}

TEST_CASE("callbacks that meet the end of their pool leave each coroutine with one fate") {
    const int rounds = faf_test::load(200, 50);
    std::atomic<long> living{0};
    for (int round = 0; round < rounds; ++round) {
        error_recorder errors;
        std::vector<faf::completion<int>::completer_type> callbacks;
        std::vector<std::coroutine_handle<>> handles;
        std::mutex mutex;
        constexpr std::uint64_t many = 40;
        faf::stats end;
        std::thread caller;
        {
            faf::thread_pool pool({.threads = 2});
            for (std::uint64_t i = 0; i < many; ++i) {
                fire_and_forget(pool, [&, i]() -> faf::task<> {
                    const alive token(living);
                    if (i % 2 == 0) {
                        faf::completion<int> done;
                        {
                            const std::lock_guard lock(mutex);
                            callbacks.push_back(done.completer());
                        }
                        static_cast<void>(co_await done);
                    } else {
                        struct held {
                            std::vector<std::coroutine_handle<>>& in;
                            std::mutex& guard;
                            static bool await_ready() noexcept { return false; }
                            void await_suspend(std::coroutine_handle<> who) const {
                                const std::lock_guard lock(guard);
                                in.push_back(who);
                            }
                            static void await_resume() noexcept {}
                        };
                        co_await held{handles, mutex};
                    }
                });
            }
            CHECK(eventually([&] {
                const std::lock_guard lock(mutex);
                return callbacks.size() + handles.size() == many;
            }));
            std::atomic<bool> may_begin{false};
            caller = std::thread([&] {
                while (!may_begin) {
                    std::this_thread::yield();
                }
                for (std::size_t i = 0; i < many / 2; ++i) {
                    if (i % 3 != 0) { // the others are dropped
                        callbacks[i](1);
                    }
                    i % 3 == 1 ? handles[i].destroy() : handles[i].resume();
                }
                callbacks.clear();
            });
            may_begin = true;
            static_cast<void>(pool.shutdown(std::chrono::microseconds(round % 20 * 20)));
            caller.join();
            CHECK(eventually([&] {
                end = pool.snapshot();
                return end.pending + end.running == 0 && end.accepted == many;
            }));
        }
        CHECK(end.succeeded + end.failed + end.dropped == many);
    }
    CHECK(eventually([&] { return living == 0; }));
}

TEST_CASE("of callbacks that come at the same time one completes, and the others are ignored") {
    constexpr int rounds = 1'000;
    constexpr int callers = 3;
    std::atomic<int> counted{0};
    std::atomic<int> ended{0};
    faf::thread_pool pool({.threads = 2});
    for (int round = 0; round < rounds; ++round) {
        std::atomic<bool> is_waiting{false};
        std::atomic<int> left{callers};
        std::optional<faf::completion<std::vector<int>>::completer_type> callback;
        fire_and_forget(pool, [&]() -> faf::task<> {
            faf::completion<std::vector<int>> done;
            callback.emplace(done.completer());
            is_waiting = true;
            const std::vector<int> got = co_await done;
            ended += got.size() == 3 && got.front() == got.back() ? 1 : 0;
        });
        while (!is_waiting) {
            std::this_thread::yield();
        }
        std::vector<std::thread> threads;
        for (int i = 0; i < callers; ++i) {
            threads.emplace_back([&, i] {
                --left;
                while (left > 0) { // there may be fewer processors
                    std::this_thread::yield();
                }
                counted += (*callback)(std::vector{i, i, i}) ? 1 : 0;
            });
        }
        for (std::thread& one : threads) {
            one.join();
        }
    }
    CHECK(pool.drain(patience));
    CHECK(counted == rounds);
    CHECK(ended == rounds);
}

TEST_CASE("detached coroutines run on the default pool") {
    std::atomic<long> done{0};
    for (int i = 0; i < 1'000; ++i) {
        count_detached(done);
    }
    CHECK(eventually([&] { return done == 1'000; }));
    CHECK(faf::drain(patience));
}

TEST_CASE("on a foreign pool coroutines stay there, whatever ends their waits") {
    constexpr int coroutines = 200;
    constexpr int rounds = 20;
    std::atomic<int> strayed{0};
    std::atomic<int> done{0};
    faf::thread_pool callbacks({.threads = 2});
    {
        faf_test::job_loop loop(2);
        for (int i = 0; i < coroutines; ++i) {
            fire_and_forget(loop, [&]() -> faf::task<> {
                for (int round = 0; round < rounds; ++round) {
                    faf::completion<int> answer;
                    fire_and_forget(callbacks, [give = answer.completer(), round] { give(round); });
                    const int got = co_await answer;
                    strayed += got == round && loop.runs_this_thread() ? 0 : 1;
                    co_await faf::yield();
                    strayed += loop.runs_this_thread() ? 0 : 1;
                    co_await faf::sleep_for(10us);
                    strayed += loop.runs_this_thread() ? 0 : 1;
                }
                ++done;
            });
        }
        CHECK(eventually([&] { return done == coroutines; }));
        CHECK(faf::drain(60s));
    }
    CHECK(strayed == 0);
}

TEST_CASE("on a thread of its own and on a foreign executor a coroutine sleeps as well") {
    std::atomic<int> done{0};
    fire_and_forget(faf::own_thread, [&done]() -> faf::task<> {
        co_await faf::sleep_for(1ms);
        ++done;
    });
    fire_and_forget(faf::inline_executor{}, [&done]() -> faf::task<> {
        co_await faf::sleep_for(1ms);
        ++done;
    });
    CHECK(eventually([&] { return done == 2; }));
    CHECK(faf::drain(patience));
}
