// SPDX-License-Identifier: MIT
#pragma once

// This library, as the benchmarks see it. What all peers have in common is said in peers.hpp.

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstddef>
#include <utility>

namespace faf_bench {

inline constexpr unsigned pool_workers = 2;

/// The pool as it comes. Like the others it has two threads; it adds some while its tasks block.
struct as_it_comes {
    static constexpr const char* name = "fire_and_forget";
    static faf::pool_options options() { return {.threads = pool_workers}; }
};

/// Two threads, come what may: where a gate holds these, more of them would run what is to be
/// queued. It may not grow, so its workers take tasks one by one and not in runs.
struct fixed_in_size {
    static constexpr const char* name = "fire_and_forget/fixed";
    static faf::pool_options options() { return {.threads = pool_workers, .fixed = true}; }
};

struct woken_by_caller {
    static constexpr const char* name = "fire_and_forget/by_caller";
    static faf::pool_options options() {
        return {.threads = pool_workers, .wake_up = faf::wake::by_caller};
    }
};

struct woken_by_worker {
    static constexpr const char* name = "fire_and_forget/by_worker";
    static faf::pool_options options() {
        return {.threads = pool_workers, .wake_up = faf::wake::by_worker};
    }
};

struct newest_first {
    static constexpr const char* name = "fire_and_forget/newest_first";
    static faf::pool_options options() {
        return {.threads = pool_workers, .nested_tasks = faf::nested::newest_first};
    }
};

template <class Kind>
class library_pool {
public:
    static constexpr const char* name = Kind::name;
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(pool_, std::move(fn));
    }

    std::size_t threads() const { return pool_.snapshot().threads; }

private:
    faf::thread_pool pool_{Kind::options()};
};

/// The call without an executor.
class library_default_pool {
public:
    static constexpr const char* name = "fire_and_forget/default";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;

    library_default_pool() { faf::configure_default_pool(as_it_comes::options()); }

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(std::move(fn));
    }
};

} // namespace faf_bench
