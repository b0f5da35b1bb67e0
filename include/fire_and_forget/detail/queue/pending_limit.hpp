// SPDX-License-Identifier: MIT
#pragma once

// How many tasks may wait in one pool. admission.hpp asks here before it stores one, if the pool
// has a limit at all; a worker that takes one gives its place back.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts places and lets callers wait for one.
///
/// Shape       Two counts that only grow: entered_, which callers change, and left_, which workers
///             do. What lies between them is taken. Callers that wait stand in line. The first of
///             them waits for places: it looks for a moment where that has paid before, and then
///             sleeps. So a worker wakes one caller at most, and only when as many places are free
///             as that one waits for. Whoever leaves the line calls the next.
/// Invariants  LIMIT-1  try_enter() never takes more than most_ places; enter_anyway() may. It
///                      reads entered_ before left_: where it finds no place there was none at the
///                      moment of the first, and it enters only if that has not changed since.
///             LIMIT-2  While callers are in line, one of them is first, or has been called and is
///                      on its way: whoever leaves the line while nobody is first calls.
///             LIMIT-3  The first in line waits for several places where they come quickly: for as
///                      many as come in `stretch`, so that sleeping and waking are paid for by many
///                      tasks; and in vain for twice that time, if they come less quickly than
///                      before. It leaves no place free for longer.
/// Orderings   LIMIT-4  The first in line stores wake_at_ and then reads left_; who leaves adds to
///                      left_ and then reads wake_at_. All four are seq_cst, so one sees the other.
///                      Who waits looks again every 10 ms all the same: in glibc 2.36 a condition
///                      variable with several waiters may lose a wake-up (bug 25847).
/// Limits      Who comes while a place is free takes it, whoever waits.
/// Cost        Entering: one read-modify-write, on a line that workers do not touch. Leaving: one,
///             on a line that callers read when they see no place, about once in a round.
/// Source      tests/models/limit.pml.
class pending_limit {
public:
    explicit pending_limit(std::size_t most, std::chrono::nanoseconds look_again =
                                                 std::chrono::milliseconds(10)) noexcept;

    bool exists() const noexcept { return most_ > 0; }

    bool try_enter() noexcept;

    /// For what must not be refused.
    void enter_anyway() noexcept { entered_.fetch_add(1, std::memory_order_relaxed); }

    void leave(std::int64_t places = 1);

    /// Waits for a place until `deadline`; false if there is none by then, or `is_over` holds,
    /// which is asked under the lock.
    bool wait_enter(steady_time deadline, function_ref<bool()> is_over);

    /// Whether callers wait for a place.
    bool is_awaited() const noexcept { return has_first_.load(std::memory_order_relaxed); }

    /// Those that wait look again.
    void wake_all();

private:
    static constexpr std::chrono::microseconds stretch{150};
    static constexpr std::chrono::microseconds glance{30};
    static constexpr unsigned looks_per_clock = 16;
    static constexpr unsigned most_rushes = 256;
    static constexpr std::int64_t nobody = INT64_MAX; ///< waits: what wake_at_ is then

    void call_first();
    bool look_for(std::int64_t wake_at) const noexcept;

    // Under the lock.

    bool may_be_first(bool has_waited) const noexcept;
    void wait_in_line(std::unique_lock<std::mutex>& lock, steady_time deadline);
    void wait_as_first(std::unique_lock<std::mutex>& lock, steady_time deadline);
    void learn_from(std::int64_t came, std::chrono::nanoseconds in) noexcept;
    void call_next() noexcept;
    std::int64_t free_places() const noexcept { return most_ - (entered_.load() - left_.load()); }

    const std::int64_t most_;
    const std::chrono::nanoseconds look_again_;
    std::mutex mutex_;
    std::atomic<bool> has_first_{false}; ///< changes under the lock
    std::int64_t awaited_ = 1;           ///< how many places the first in line waits for
    std::size_t in_line_ = 0;            ///< behind the first
    unsigned rushes_ = 0;     ///< one after the other, of first ones that had not been called
    unsigned vain_looks_ = 0; ///< and waits without one; it looks in one of eight
    std::condition_variable places_;
    std::condition_variable next_;

    alignas(cache_line) std::atomic<std::int64_t> entered_{0};
    std::atomic<std::int64_t> left_by_then_{0}; ///< what left_ was when a caller last looked

    alignas(cache_line) std::atomic<std::int64_t> left_{0};
    std::atomic<std::int64_t> wake_at_{nobody}; ///< how many have left when the first is called
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
