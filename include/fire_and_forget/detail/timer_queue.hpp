// SPDX-License-Identifier: MIT
#pragma once

// What waits for its time in one executor. Any thread adds to it; the keeper, or whoever waits for
// the executor to be quiet, takes out what is due. executor_core.hpp owns it.

#include "abi.hpp"
#include "asymmetric_barrier.hpp"
#include "scheduler.hpp"
#include "task.hpp"
#include "time.hpp"
#include "timer_heap.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whether the executor's quiet has to wait for it: not for what repeats until it is stopped.
inline bool is_awaited(const timed& item) noexcept {
    return item.is_resumption || !static_cast<const task_node&>(item).repeats();
}

/// Whether it should not wait for its time any longer.
inline bool is_asked_to_stop(const timed& item) {
    if (item.is_resumption) {
        const auto& sleeper = static_cast<const suspended&>(item);
        return sleeper.wants_to_stop != nullptr && sleeper.wants_to_stop(sleeper);
    }
    const task_details* const details = static_cast<const task_node&>(item).details;
    return details != nullptr && details->stop.stop_requested();
}

/// Shape       A stack that any thread pushes to (the intake), and a heap that only the holder of
///             mutex_ touches. Serving moves what is in the intake to the heap.
/// Invariants  T1  The intake is closed by a mark in the place of its top, put there in the same
///                 step in which it is emptied. So a push is either found by who closes, or refused.
///             T2  An item is in the intake, in the heap or among spilled_, or it has been handed
///                 out. It is counted as accepted before it is in the intake, and as gone after it
///                 has been stored elsewhere: what seems to wait may only be too much.
///             T3  Nothing is lost for want of memory: what finds no room in the heap is spilled_,
///                 and tried again at each service.
/// Orderings   O1  push() publishes an item with release; serving acquires the intake.
///             O2  push() adds to the intake before its caller reads when the keeper gets up; the
///                 keeper says when before it looks into the intake once more. All four are seq_cst,
///                 so one of the two sees the other.
///             O3  Who asks for a sweep has pushed before what is to be swept. Serving takes the
///                 request before it takes the intake, so that the sweep looks at all of that.
/// Source      Treiber's stack, of which all is taken at once; tests/models/timers.pml.
/// Cost        A push is two read-modify-writes. Serving costs about 0.3 us for each item, with a
///             million of them.
class timer_queue {
public:
    timer_queue() noexcept = default;
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;

    /// Adds `item`, which is due at item.due; false if the intake is closed.
    bool push(timed& item) noexcept {
        std::atomic<std::uint64_t>& accepted = counts_of(item).accepted;
        accepted.fetch_add(1, std::memory_order_relaxed); // T2
        timed* top = intake_.load(std::memory_order_relaxed);
        do {
            if (top == &closed_) { // T1
                accepted.fetch_sub(1, std::memory_order_relaxed);
                return false;
            }
            item.next = top;
            stress_point();
        } while (!intake_.compare_exchange_weak(top, &item)); // O1 O2
        return true;
    }

    /// All that were pushed so far.
    std::uint64_t accepted() const noexcept {
        return awaited_.accepted.load(std::memory_order_relaxed) +
               repeated_.accepted.load(std::memory_order_relaxed);
    }

    /// The same when nothing waits any more and nothing is taken: then exact, whatever is refused.
    std::uint64_t gone() const noexcept {
        return awaited_.gone.load(std::memory_order_relaxed) +
               repeated_.gone.load(std::memory_order_relaxed);
    }

    /// Whether any waits here; and whether any that a drain waits for. Who finds none of these sees
    /// where they went.
    bool seems_used() const noexcept { return has_awaited() || repeated_.has_any(); }
    bool has_awaited() const noexcept { return awaited_.has_any(); }

    /// For the keeper, when it has said when it gets up.
    bool has_news() const noexcept { // O2
        const timed* const top = intake_.load();
        return (top != nullptr && top != &closed_) || wants_sweep_.load();
    }

    /// Someone who waits here may have been asked to stop.
    void request_sweep() noexcept { wants_sweep_.store(true); } // O2

    /// Hands out what is due, `most` items at most: `store(item)` answers false if there is no room
    /// for it, then it stays here. Returns when to serve again.
    template <class Store>
    steady_time serve(steady_time now, unsigned most, Store store) {
        const std::lock_guard lock(mutex_);
        is_sweep_due_ = wants_sweep_.exchange(false) || is_sweep_due_; // O3
        stress_point();
        collect();
        sweep(now);
        for (; most > 0; --most) {
            timed* const item = heap_.pop_due(now);
            if (item == nullptr) {
                break;
            }
            counts& its = counts_of(*item); // it may be gone when it is stored
            if (!store(*item)) {
                spill(*item);
                break;
            }
            its.gone.fetch_add(1, std::memory_order_release); // T2
        }
        steady_time next = heap_.next_due();
        next = is_sweep_due_ ? earlier_of(next, next_sweep_) : next;
        return spilled_ == nullptr ? next : earlier_of(next, later(now, retry));
    }

    /// From now on pushes are refused.
    void close() noexcept {
        const std::lock_guard lock(mutex_);
        if (!is_closed_) {
            is_closed_ = true;
            keep_all(intake_.exchange(&closed_)); // T1
        }
    }

    /// Takes out all for which `is_it` holds; returns them as a list, in no order.
    template <class Predicate>
    timed* take_if(Predicate is_it) {
        const std::lock_guard lock(mutex_);
        collect();
        timed* taken = heap_.remove_if(is_it);
        for (timed* item = std::exchange(spilled_, nullptr); item != nullptr;) {
            timed* const next = item->next;
            timed*& list = is_it(*item) ? taken : spilled_;
            item->next = std::exchange(list, item);
            item = next;
        }
        for (const timed* item = taken; item != nullptr; item = item->next) {
            counts_of(*item).gone.fetch_add(1, std::memory_order_release);
        }
        return taken;
    }

private:
    static constexpr std::chrono::milliseconds retry{5};

    /// Of one kind of items. Nothing waits if as many are gone as have been accepted, for counts read
    /// in that order.
    struct counts {
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> gone{0};

        bool has_any() const noexcept {
            const std::uint64_t gone_by_now = gone.load(std::memory_order_acquire);
            return gone_by_now != accepted.load(std::memory_order_acquire);
        }
    };

    counts& counts_of(const timed& item) noexcept {
        return is_awaited(item) ? awaited_ : repeated_;
    }

    /// Moves the intake to the heap, oldest first, and tries what is spilled again. Under the lock.
    void collect() noexcept {
        keep_all(std::exchange(spilled_, nullptr));
        if (!is_closed_) {
            keep_all(intake_.exchange(nullptr)); // O1
        }
    }

    /// Of a stack, newest first.
    void keep_all(timed* stack) noexcept {
        timed* oldest = nullptr;
        while (stack != nullptr) {
            timed* const below = std::exchange(stack->next, oldest);
            oldest = std::exchange(stack, below);
        }
        while (oldest != nullptr) {
            timed& item = *std::exchange(oldest, oldest->next);
            if (!heap_.try_push(item)) {
                spill(item);
            }
        }
    }

    void spill(timed& item) noexcept { // T3
        item.next = std::exchange(spilled_, &item);
    }

    /// Makes those due that were asked to stop. It looks at all that wait, so it is not done again
    /// before ten times as long has passed as it may take.
    void sweep(steady_time now) {
        if (!is_sweep_due_ || now < next_sweep_) {
            return;
        }
        is_sweep_due_ = false;
        next_sweep_ = later(now, std::chrono::microseconds(heap_.size()));
        keep_all(heap_.remove_if([&](timed& item) {
            const bool is_asked = now < item.due && is_asked_to_stop(item);
            item.due = is_asked ? now : item.due;
            return is_asked;
        }));
    }

    std::atomic<timed*> intake_{nullptr};
    counts awaited_;
    counts repeated_;
    std::atomic<bool> wants_sweep_{false};

    std::mutex mutex_;
    timer_heap heap_;
    timed* spilled_ = nullptr;
    steady_time next_sweep_{};
    bool is_sweep_due_ = false;
    bool is_closed_ = false;
    timed closed_; ///< only its address is used
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
