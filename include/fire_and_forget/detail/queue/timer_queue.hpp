// SPDX-License-Identifier: MIT
#pragma once

// What waits for its time in one executor. Any thread adds to it; the keeper, or whoever waits for
// the executor to be quiet, takes out what is due. delayed_tasks.hpp owns it.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "../task/asked_list.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "../task/timer_order.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whether the executor's quiet has to wait for it: not for what repeats until it is stopped.
bool is_awaited(const timer_node& item) noexcept;

/// Whether it should not wait for its time any longer.
bool is_asked_to_stop(const timer_node& item);

/// What of it is on the list of those asked to stop, if it is watched.
watched& watch_of(const timer_node& item) noexcept;

/// Shape       A stack that any thread pushes to (the intake), an order that only the holder of
///             mutex_ touches, and a list of those that were asked to stop. Serving moves what is
///             in the intake to the order, and takes out what was asked, wherever it stands there.
/// Invariants  TIMERS-1  The intake is closed by a mark in the place of its top, put there in the
///                       same step in which it is emptied. So a push is either found by who closes,
///                       or refused.
///             TIMERS-2  An item is in the intake, in the order or among spilled_, or it has been
///                       handed out. It is counted as accepted before it is in the intake, and as
///                       gone after it has been stored elsewhere: what seems to wait may only be
///                       too much.
///             TIMERS-3  Nothing is lost for want of memory: what finds no room in the order is
///                       spilled_, and tried again at each service: then it comes behind those
///                       of its deadline that have found room.
///             TIMERS-4  What is watched is armed from before it is in the intake until it is
///                       handed out. Who arms it looks afterwards whether its stop_token has been
///                       asked already; who asks it comes from there. So one of the two notes it.
/// Orderings   TIMERS-5  push() publishes an item with release; serving acquires the intake.
///             TIMERS-6  push() adds to the intake before its caller reads when the keeper gets up;
///                       the keeper says when before it looks into the intake once more. All four
///                       are seq_cst, so one of the two sees the other.
///             TIMERS-7  Serving takes the request to look before it takes the intake: what was
///                       asked after it was pushed is found. What was asked before, and looked for
///                       before, is not: but then who pushes it finds in the intake what serving
///                       has left there, so he sees in its stop_token that it was asked, and
///                       requests a look once more.
/// Source      Treiber's stack, of which all is taken at once; tests/models/timers.pml.
/// Cost        A push is two read-modify-writes. To serve one of a million takes 15 ns if what
///             waits as long came in order, else about 0.3 us; so does taking out one that was
///             asked to stop.
class timer_queue {
public:
    timer_queue() noexcept = default;
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;

    /// Adds `item`, which is due at item.due; false if the intake is closed.
    bool push(timer_node& item) noexcept;

    /// All coroutines that were pushed so far.
    std::uint64_t sleepers() const noexcept;
    /// All tasks that were.
    std::uint64_t accepted() const noexcept;

    /// The same when nothing waits any more and nothing is taken: then exact, whatever is refused.
    std::uint64_t gone() const noexcept;

    /// Whether any waits here; and whether any that a drain waits for. Who finds none of these sees
    /// where they went.
    bool seems_used() const noexcept { return has_awaited() || repeated_.has_any(); }
    bool has_awaited() const noexcept { return awaited_.has_any() || sleeping_.has_any(); }

    /// For the keeper, when it has said when it gets up.
    bool has_news() const noexcept;

    /// Notes one that is asked to stop; false if it does not wait here, or that is known.
    bool ask(watched& one) noexcept;

    /// Someone may have been asked before he was pushed.
    void request_look() noexcept { wants_look_.store(true); } // TIMERS-6

    /// Hands out what is due, `most` items at most, and then as many that were asked to stop:
    /// `store(item)` answers false if there is no room for it, then it stays here. Returns when to
    /// serve again, which is soon if somebody else holds the queue: the keeper has others to serve.
    steady_time serve(steady_time now, unsigned most, function_ref<bool(timer_node&)> store);

    /// Makes all due for which `is_it` holds. It looks at all that wait.
    void make_due(steady_time now, function_ref<bool(timer_node&)> is_it);

    /// From now on pushes are refused.
    void close() noexcept;

    /// Takes out the one that is due last of those for which `is_it` holds; null if there is none,
    /// or no memory. Before anybody can see that it is gone, `note()` is called.
    timer_node* take_latest_if(function_ref<bool(timer_node&)> is_it, function_ref<void()> note);

    /// Takes out all for which `is_it` holds; returns them as a list, in no order.
    timer_node* take_if(function_ref<bool(timer_node&)> is_it);

private:
    static constexpr std::chrono::milliseconds retry{5};

    /// Of one kind of items. Nothing waits if as many are gone as have been accepted, for counts
    /// read in that order.
    struct counts {
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> gone{0};

        bool has_any() const noexcept;
    };

    counts& counts_of(const timer_node& item) noexcept;

    /// Takes in the intake, oldest first, and tries what is spilled again. Under the lock.
    void collect() noexcept;

    /// Of a stack, newest first.
    void keep_all(timer_node* stack) noexcept;

    void spill(timer_node& item) noexcept;

    bool hand_out(timer_node& item, function_ref<bool(timer_node&)> store);

    void arm(timer_node& item) noexcept;

    void disarm(const timer_node& item) noexcept;

    std::atomic<timer_node*> intake_{nullptr};
    counts awaited_;
    counts repeated_;
    counts sleeping_; ///< coroutines, which have been accepted before
    std::atomic<bool> wants_look_{false};

    asked_list asked_;
    std::mutex mutex_;
    timer_order waiting_;
    timer_node* spilled_ = nullptr;
    bool has_asked_ = false; ///< some of those asked may still be in the heap
    bool is_closed_ = false;
    timer_node closed_; ///< only its address is used
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
