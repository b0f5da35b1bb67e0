// SPDX-License-Identifier: MIT
#pragma once

// What a host may call in a plugin that uses the library.

#include <atomic>

#include <fire_and_forget/observer.hpp>

/// Everything the library has, and what the tasks count.
struct plugin_functions {
    void (*fire)(int tasks, long microseconds, std::atomic<long>& ran);
    void (*fire_late)(int tasks, std::atomic<long>& ran);
    void (*fire_own_threads)(int tasks, std::atomic<long>& ran);
    void (*fire_coroutines)(int tasks, std::atomic<long>& ran);
    void (*use_own_pools)(int tasks, std::atomic<long>& ran); ///< which are gone when it returns
    void (*use_observed_pool)(int tasks, faf::task_observer& by, std::atomic<long>& ran);
    bool (*drain)();
    bool (*shut_down)();
};

#if defined(_WIN32)
#define FAF_TEST_EXPORT __declspec(dllexport)
#else
#define FAF_TEST_EXPORT __attribute__((visibility("default")))
#endif

using plugin_entry = const plugin_functions* (*)();
