// SPDX-License-Identifier: MIT
#pragma once

#include "../errors/stderr_sink.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "default_executors.hpp"
#include "pool_door.hpp"

#include "default_pool.hpp"
#include "own_threads.hpp"

#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail::default_executors {

inline bool run_this_thread() noexcept {
    return default_pool_door().runs_this_thread() ||
           own_threads::instance().end().runs_this_thread();
}

/// Tasks of one may fire tasks at the other: both are quiet when nothing was accepted while
/// first one and then the other was found quiet.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool drain_until(steady_time deadline) {
    if (run_this_thread()) {
        return false;
    }
    pool_door& pool = default_pool_door();
    own_threads& threads = own_threads::instance();
    for (;;) {
        const std::uint64_t before = pool.admissions() + threads.admissions();
        if (!pool.drain_until(deadline) || !threads.end().drain_until(deadline)) {
            return false;
        }
        if (pool.admissions() + threads.admissions() == before) {
            return true;
        }
        if (steady_clock::now() >= deadline) {
            return false;
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool shutdown_until(steady_time deadline) {
    pool_door& pool = default_pool_door();
    own_threads& threads = own_threads::instance();
    const bool is_ours = run_this_thread();
    const auto end_both = [&] {
        const bool threads_finished = threads.end().shutdown_until(deadline);
        return pool.shutdown_until(deadline) && threads_finished;
    };
    bool has_begun = is_ours;
    const auto end_now = [&] { // for a scope that waits for what has its turn later
        const bool is_first = !std::exchange(has_begun, true);
        if (is_first) {
            static_cast<void>(end_both());
        }
        return is_first;
    };
    const abandonment under_way(end_now, deadline);
    pool.begin_closing();
    threads.end().begin();
    if (is_ours) {
        return false;
    }
    pool.give_up_late(deadline); // or the drain would wait for them
    threads.end().give_up_late(deadline);
    static_cast<void>(drain_until(deadline));
    const bool has_finished = end_both();
    default_sink().flush();
    return has_finished;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE stats snapshot() {
    stats all = default_pool_door().snapshot();
    return all += own_threads::instance().snapshot();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail::default_executors
