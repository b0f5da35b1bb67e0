// SPDX-License-Identifier: MIT
#pragma once

// This library, as the benchmarks see it. What all peers have in common is said in peers.hpp.

#include <fire_and_forget/fire_and_forget.hpp>

#include <utility>

namespace faf_bench {

inline constexpr unsigned pool_workers = 2;

/// Whether a pool can be told who wakes a worker; older ones cannot.
template <class Options>
concept has_wake_up = requires(Options how) {
    how.wake_up;
};

enum class wakes { as_usual, by_caller, by_worker };

/// Like the other pools it has two threads, come what may: it would add some while a gate holds
/// these, and they would run what is to be queued.
template <wakes Wakes, class Options = faf::pool_options>
Options library_options() {
    Options how{.threads = pool_workers, .max_threads = pool_workers};
    if constexpr (has_wake_up<Options> && Wakes == wakes::by_caller) {
        how.wake_up = decltype(how.wake_up)::by_caller;
    }
    if constexpr (has_wake_up<Options> && Wakes == wakes::by_worker) {
        how.wake_up = decltype(how.wake_up)::by_worker;
    }
    return how;
}

template <wakes Wakes>
class library_pool {
public:
    static constexpr const char* name = Wakes == wakes::as_usual    ? "fire_and_forget"
                                        : Wakes == wakes::by_caller ? "fire_and_forget/by_caller"
                                                                    : "fire_and_forget/by_worker";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(pool_, std::move(fn));
    }

private:
    faf::thread_pool pool_{library_options<Wakes>()};
};

/// The call without an executor.
class library_default_pool {
public:
    static constexpr const char* name = "fire_and_forget/default";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    library_default_pool() { faf::configure_default_pool(library_options<wakes::as_usual>()); }

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(std::move(fn));
    }
};

} // namespace faf_bench
