// SPDX-License-Identifier: MIT
// A module that uses the library. Built several times, as projects build theirs.

#include "plugin.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <thread>

namespace {

using namespace std::chrono_literals;
using faf::fire_and_forget;

constexpr auto patience = 60s;

void fire(int tasks, long microseconds, std::atomic<long>& ran) {
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget([&ran, microseconds] {
            if (microseconds > 0) {
                std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
            }
            ++ran;
        });
    }
}

void fire_late(int tasks, std::atomic<long>& ran) {
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget({.after = 1ms}, [&ran] { ++ran; });
    }
}

void fire_own_threads(int tasks, std::atomic<long>& ran) {
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget(faf::own_thread, [&ran] { ++ran; });
    }
}

void fire_coroutines(int tasks, std::atomic<long>& ran) {
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget([&ran]() -> faf::task<> {
            co_await faf::sleep_for(100us);
            ++ran;
        });
    }
}

void use_own_pools(int tasks, std::atomic<long>& ran) {
    faf::thread_pool shut_down({.threads = 2});
    faf::thread_pool napping({.threads = 1, .wake_up = faf::wake::by_worker});
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget(shut_down, [&ran] { ++ran; });
        fire_and_forget(napping, {.after = 100us}, [&ran] { ++ran; });
    }
    shut_down.drain(patience);
    napping.drain(patience);
    shut_down.shutdown(patience);
}

void use_observed_pool(int tasks, faf::task_observer& by, std::atomic<long>& ran) {
    faf::thread_pool pool({.observer = &by});
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget(pool, {.name = "observed"}, [&ran] { ++ran; });
    }
    pool.drain(patience);
}

constexpr plugin_functions functions{
    &fire,
    &fire_late,
    &fire_own_threads,
    &fire_coroutines,
    &use_own_pools,
    &use_observed_pool,
    [] { return faf::drain(patience); },
    [] { return faf::shutdown(patience); },
};

} // namespace

extern "C" FAF_TEST_EXPORT const plugin_functions* plugin() {
    return &functions;
}
