// SPDX-License-Identifier: MIT
#pragma once

// How executors count what became of the tasks that ran on their threads.

#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../task/coroutine_books.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What tasks came to.
struct task_counts {
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t expired = 0;
    std::uint64_t abandoned = 0; ///< or displaced
    std::uint64_t open = 0;      ///< stretches of coroutines that ended without them

    std::uint64_t dropped() const noexcept { return cancelled + expired + abandoned; }
    std::uint64_t all() const noexcept { return succeeded + failed + dropped() + open; }

    void add(fate result) noexcept {
        ++(result == fate::succeeded   ? succeeded
           : result == fate::failed    ? failed
           : result == fate::cancelled ? cancelled
           : result == fate::expired   ? expired
           : result == fate::open      ? open
                                       : abandoned);
    }

    task_counts& operator+=(const task_counts& other) noexcept {
        succeeded += other.succeeded;
        failed += other.failed;
        cancelled += other.cancelled;
        expired += other.expired;
        abandoned += other.abandoned;
        open += other.open;
        return *this;
    }

    void add_to(stats& all) const noexcept {
        all.succeeded += succeeded;
        all.failed += failed;
        all.dropped += dropped();
        all.cancelled += cancelled;
        all.expired += expired;
    }
};

/// Counts on one thread, is read by any.
class running_counts {
public:
    /// Release: who sees the task counted as ended sees it counted as taken, which is earlier.
    void add(fate result) noexcept {
        std::atomic<std::uint64_t>& count = counts_[static_cast<std::size_t>(result)];
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    task_counts read() const noexcept {
        return {of(fate::succeeded), of(fate::failed),  of(fate::cancelled),
                of(fate::expired),   of(fate::dropped), of(fate::open)};
    }

    /// Changes with each task that ends.
    std::uint64_t all() const noexcept { return read().all(); }

private:
    std::uint64_t of(fate result) const noexcept {
        return counts_[static_cast<std::size_t>(result)].load(std::memory_order_acquire);
    }

    std::atomic<std::uint64_t> counts_[6]{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
