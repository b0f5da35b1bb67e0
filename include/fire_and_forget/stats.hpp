// SPDX-License-Identifier: MIT
#pragma once

// Counters of an executor, as snapshot() returns them. stats_text.hpp has them as text.

#include "detail/platform/abi.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// What became of the tasks of a pool. While they go on, the counters are read one after the other;
/// what ends meanwhile is shown as pending.
///
/// Always: accepted == succeeded + failed + dropped + pending + running. Refused submissions were
/// never accepted and stand apart. Each run of a task that repeats counts as a task. A coroutine
/// counts once, by the executor that it was fired at, however often it waits and wherever it goes
/// on: as pending while it waits or has moved elsewhere. One that was fired at an executor of
/// somebody else's counts where it first waits or moves to.
struct stats {
    std::uint64_t accepted = 0;  ///< submissions that were answered with `true`
    std::uint64_t succeeded = 0; ///< ran to the end
    std::uint64_t failed = 0;    ///< threw, returned an error, or ended their thread; reported
    std::uint64_t dropped = 0;   ///< never ran, or were still running at the end; reported, but for
                                 ///< those that a conflating_executor has replaced by newer ones
    std::uint64_t refused = 0;   ///< submissions that were answered with `false`; reported
    std::uint64_t cancelled = 0; ///< part of dropped: were asked to stop before they started
    std::uint64_t expired = 0;   ///< part of dropped: had not started in time
    std::uint64_t skipped = 0;   ///< starts of repeated tasks that were left out
    std::size_t pending = 0;     ///< wait for a worker, for their time, or in a co_await, now
    std::size_t running = 0;     ///< run now
    std::size_t threads = 0;     ///< threads alive now
    std::uint64_t resumptions = 0; ///< times a coroutine went on here after a wait, or an executor
                                   ///< that stands on this one had its turn; no tasks

    /// Adds `other`, so that several pools can be shown as one.
    stats& operator+=(const stats& other) noexcept {
        accepted += other.accepted;
        succeeded += other.succeeded;
        failed += other.failed;
        dropped += other.dropped;
        refused += other.refused;
        cancelled += other.cancelled;
        expired += other.expired;
        skipped += other.skipped;
        pending += other.pending;
        running += other.running;
        threads += other.threads;
        resumptions += other.resumptions;
        return *this;
    }

    /// True if all counters are equal.
    friend bool operator==(const stats&, const stats&) = default;
};

/// What is there of a task_scope's tasks, and what never came to run. What became of the others is
/// counted by the executor.
struct scope_stats {
    std::size_t pending = 0;     ///< have not begun; of those that repeat also between their runs
    std::size_t running = 0;     ///< have begun and are not gone, coroutines that wait included
    std::uint64_t cancelled = 0; ///< were taken back by cancel_pending()
    std::uint64_t refused = 0;   ///< calls that were answered with `false`; reported

    /// Adds `other`, so that several scopes can be shown as one.
    scope_stats& operator+=(const scope_stats& other) noexcept {
        pending += other.pending;
        running += other.running;
        cancelled += other.cancelled;
        refused += other.refused;
        return *this;
    }

    /// True if all counters are equal.
    friend bool operator==(const scope_stats&, const scope_stats&) = default;
};

namespace detail {

/// A template, because of GCC's -Wuseless-cast: on many systems the two are one type.
template <class Number>
constexpr std::size_t as_size(Number number) noexcept {
    return static_cast<std::size_t>(number);
}

} // namespace detail
} // namespace faf::inline FIRE_AND_FORGET_ABI
