// SPDX-License-Identifier: MIT
#pragma once

// Who takes tasks out of the lanes of a pool: a worker, one that makes room, or who closes the
// pool.

#include "../../call_site.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../queue/lanes.hpp"
#include "../task/host.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The task in a slot, which holds it itself and was taken out of its lane.
stored_task task_in(const slot& taken) noexcept;

/// The task of a slot that holds one from the heap, else null.
task_node* node_in(const slot& holder) noexcept;

/// The coroutine of a slot that holds one which goes on, else null.
suspended* coroutine_in(const slot& holder) noexcept;

/// Gives slots back whose tasks are over. Blocks are told of a row of tasks at once, because that
/// is a read-modify-write on a line that other workers want too.
class slot_returns {
public:
    void finish(slot& over, pool_block& in) noexcept {
        over.empty();
        finish(1, in);
    }

    /// The same for tasks whose slots are empty.
    void finish(std::uint32_t tasks, pool_block& in) noexcept;

    /// To be called before its thread waits for anything: a block must not be kept from its owner
    /// for long.
    void flush() noexcept;

    /// Whether it is at that, which gives a block's memory back now and then. Anybody may ask.
    bool is_flushing() const noexcept { return is_flushing_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> is_flushing_{false};
    pool_block* finished_in_ = nullptr;
    std::uint32_t finished_ = 0;
};

/// Takes tasks out of lanes for a worker, and begins and ends them.
///
/// Invariants  TAKER-1  A task that has left its lane is in the worker's claim before the lane is
///                      unlocked. So whoever closes the pool and has had all locks finds it in one
///                      place or the other.
///             TAKER-2  Whether tasks may still be taken is read under the lane's lock. So once the
///                      lanes are over and whoever closes has had all locks, no worker takes one.
///             TAKER-3  A running task is counted once: by its worker, or before that by who gives
///                      it up (CLAIM-5). What has been handed over by then, a coroutine, is only
///                      passing: it is counted where it comes to its end.
class task_taker : public running_item {
public:
    /// What the worker claims goes to `its`. It takes nothing any more when `until_over` is.
    explicit task_taker(claim& its, const lane_set* until_over = nullptr) noexcept;

    // Called by the lane, under its lock.
    bool may_take() const noexcept;
    bool may_join(const task_vtable& type) const noexcept;
    std::uint32_t take(slot& first, pool_block& in, std::uint32_t count) noexcept;

    /// Begins the next task of those that were taken together; false if none is left.
    bool begin_next() noexcept {
        return claim_.has_more() && may_take() &&
               claim_.begin_next([this](const slot& next) { describe(next); });
    }

    /// The task that was begun last.
    slot& taken() const noexcept { return claim_.begun(); }

    /// Whether that had waited for its time.
    bool is_of_timers() const noexcept {
        return static_cast<const pool_lane&>(claim_.block().home).how == pool_lane::use::by_timers;
    }

    void finish_slot() noexcept { returns_.finish(claim_.begun(), claim_.block()); }

    /// The same for all from `first` on to the one that was begun last, which are empty.
    void finish_slots(const slot& first) noexcept {
        returns_.finish(static_cast<std::uint32_t>(&claim_.begun() - &first) + 1, claim_.block());
    }
    void flush() noexcept { returns_.flush(); }

    /// Whether it has a task and is not just tidying up after it. For other threads, as a hint.
    bool is_at_a_task() const noexcept { return claim_.has_task() && !returns_.is_flushing(); }

    /// Ends the task; false if it had been written off.
    bool end() noexcept { return claim_.end(); }

    /// Makes known what is about to run.
    void describe(const slot& next) noexcept;

    /// From now on it takes no task but the one that it begins.
    void take_singly() noexcept { is_alone_ = true; }

    claim& its() noexcept { return claim_; }
    const claim& its() const noexcept { return claim_; }

    call_site where() const noexcept { return claim_.where(); }
    const char* name() const noexcept { return claim_.name(); }

private:
    claim& claim_;
    const lane_set* until_over_;
    bool is_alone_ = false;
    slot_returns returns_;
};

/// Gives up what runs. Under the pool's lock, which the worker takes after a task that was written
/// off: so what is told about it stays as it is.
write_offs write_off(claim& of, abandoned_tasks& abandoned) noexcept;

/// Takes out what will not run, one by one, and counts that while the lane is locked: whoever comes
/// to an empty lane then knows.
class dropping_taker {
public:
    dropping_taker(std::atomic<std::uint64_t>& of_tasks,
                   std::atomic<std::uint64_t>& of_coroutines) noexcept
        : tasks_(of_tasks), coroutines_(of_coroutines) {}

    static bool may_take() noexcept { return true; }
    static bool may_join(const task_vtable&) noexcept { return false; }
    std::uint32_t take(slot& from, pool_block& in, std::uint32_t count) noexcept;

    slot& taken() const noexcept { return *from_; }
    void finish_slot() noexcept { returns_.finish(*from_, *in_); }
    void flush() noexcept { returns_.flush(); }

private:
    std::atomic<std::uint64_t>& tasks_;
    std::atomic<std::uint64_t>& coroutines_;
    slot* from_ = nullptr;
    pool_block* in_ = nullptr;
    slot_returns returns_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
