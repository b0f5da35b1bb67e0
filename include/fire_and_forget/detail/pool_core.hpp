// SPDX-License-Identifier: MIT
#pragma once

// The inside of a thread_pool: where submits store, how tasks are counted, and how it closes. It
// may outlive the pool, for a worker whose task does not come to an end.

#include "../options.hpp"
#include "caller_runs.hpp"
#include "lanes.hpp"
#include "pool_workers.hpp"
#include "task.hpp"
#include "thread_lanes.hpp"
#include "thread_state.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf::detail {

/// Invariants  E1-E3 of executor_core, P1-P3 of its bases, and
///             C1  ended <= taken <= stored, for counts read in that order: so they add up at every
///                 moment, and nobody who counts needs a lock.
///             C2  A task stored in a closed pool is recalled by who stored it, unless a worker or
///                 whoever closes has taken it.
class pool_core final : public pool_workers {
public:
    /// Shares `lanes` with the threads that will submit.
    pool_core(pool_options settings, lane_set& lanes) : pool_workers(std::move(settings), lanes) {
        if (limit_.exists()) {
            open_lanes_.store(this, std::memory_order_relaxed);
        }
        begin_service();
    }
    explicit pool_core(pool_options settings) : pool_core(std::move(settings), *new lane_set) {}
    ~pool_core() override {
        end_service();
        if (lanes_.may_have_tasks()) { // no thread could be had for them
            abandoned_tasks abandoned(lent(), deadline_after(sink_patience));
            static_cast<void>(abandon_queued(abandoned));
        }
    }
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    // Submits -------------------------------------------------------------------------------------

    /// Whether this_thread.lane is the calling thread's lane here, and the pool is open and has no
    /// limit. If not, lane_of_this_thread and is_open_here() know more.
    bool has_lane_at_hand() const noexcept {
        return this_thread.lanes == open_lanes_.load(std::memory_order_relaxed);
    }

    void begin_closing() override {
        open_lanes_.store(this, std::memory_order_relaxed);
        executor_core::begin_closing();
    }

    lane_set& lanes() noexcept { return lanes_; }

    /// To be called for each task that was stored. False if it was too late: the pool has closed
    /// and the task is the caller's again, who is to destroy it and then give_up() its slot.
    /// Touches no pool unless it must: that may be gone by now.
    static bool has_kept(lane_set& lanes, pool_lane& lane, slot& stored, call_site where) {
        announce(lanes, where); // C2 comes after its barrier
        return !lanes.is_closed() || !is_recalled(lanes, lane, stored);
    }

    /// Gives up a slot whose task could not be made or was recalled.
    [[gnu::noinline]] void give_up(pool_lane& lane, slot& empty) {
        if (lane.unreserve(empty)) {
            return;
        }
        announce(lanes_, {});
        if (lanes_.is_closed()) {
            abandoned_tasks abandoned(lent(), deadline_after(sink_patience));
            abandon_in(lane, abandoned);
            tell_waiters();
        }
    }

    /// Where workers wake each other, one must be awake before the first submit.
    void begin_napping() {
        if (has_napper()) {
            ring({});
        }
    }

    /// How to go on with a task that enter() was asked about.
    enum class entry : std::uint8_t { store, run_here, refuse };

    /// Makes room for a task, or says why there is none.
    entry enter(priority level, refusal& why) {
        if (!is_open_here()) {
            why = refusal::shutting_down;
        } else if (limit_.exists() && !limit_.try_enter()) {
            return make_room(level, why);
        }
        return why == refusal::none ? entry::store : entry::refuse;
    }

    /// The task of enter() has not come about after all.
    void leave() {
        if (limit_.exists()) {
            limit_.leave();
        }
    }

    /// Whether a task may be taken out again after it was stored: then it has to be on the heap.
    bool may_displace() const noexcept {
        return limit_.exists() && options_.when_full == overflow::drop_oldest;
    }

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task) {
        refusal why = refusal::none;
        const entry how = enter(task->priority, why);
        if (how == entry::refuse) {
            note_refused();
            return why;
        }
        return accept(task, how);
    }

    /// The same after enter().
    refusal accept(task_ptr& task, entry how) {
        task->begin_waiting(now());
        refusal why = refusal::shutting_down;
        if (how == entry::run_here) {
            why = run_here(task);
        } else {
            if (task->is_delayed) {
                why = delay(task);
            } else if (is_open_here()) {
                why = store(task);
            }
            if (why != refusal::none) {
                leave();
            }
        }
        if (why != refusal::none) {
            note_refused();
        }
        return why;
    }

    bool resume_soon(suspended& one) noexcept override {
        const lane_of_this_thread own(lanes_, one.priority);
        pool_lane* const lane = own.get();
        if (!is_open_here() || lane == nullptr || !lane->has_room()) {
            return false;
        }
        slot& place = lane->reserve();
        const call_site where = one.where; // it may be gone once it is stored
        enter_anyway();
        put(one, place);
        lane->publish(place, resumption_type);
        if (has_kept(lanes_, *lane, place, where)) {
            return true;
        }
        give_up(*lane, place);
        return false;
    }

    std::uint64_t admissions() const override {
        return lanes_.pushed_at_once() + count_timers().accepted +
               entered_by_callers_.load(std::memory_order_relaxed);
    }

    // The owner's side ----------------------------------------------------------------------------

    /// Lets the tasks finish until `deadline`, reports the rest, closes, and ends the threads. True
    /// if nothing was abandoned. From a task of this pool it only begins to close: false.
    bool shutdown_until(steady_time deadline) {
        if (!is_in_its_process()) {
            return false;
        }
        begin_closing();
        if (runs_this_thread()) {
            return false;
        }
        const bool all_done = close(deadline, later(deadline, sink_patience));
        dismiss_workers();
        return all_done;
    }

    /// At exit: nobody may use the pool's sink, which is the user's, once static destructors run.
    void close_for_exit(steady_time start, steady_time patience) override {
        executor_core::close_for_exit(start, patience);
        set_sink(nullptr);
    }

    /// The end of the pool's owner, who must not use it any more.
    void retire() {
        if (!is_in_its_process()) {
            return; // a forked child lets its parent's pool lie
        }
        const bool is_ours = runs_this_thread();
        shutdown_until(deadline_after(exit_deadline()));
        set_sink(nullptr); // tasks that go on may outlive what it refers to
        if (is_ours) {     // It can't wait for itself: the workers go when the queue is empty.
            dismiss();
        }
        release();
    }

private:
    /// The pointer in a slot owns the node until a worker takes it out.
    static void put(task_node& node, slot& place) noexcept {
        ::new (static_cast<void*>(place.closure)) task_node*(&node);
        place.where = node.where;
    }

    static void put(suspended& one, slot& place) noexcept {
        ::new (static_cast<void*>(place.closure)) suspended*(&one);
        place.where = one.where;
    }

    refusal store(task_ptr& task) {
        const lane_of_this_thread own(lanes_, task->priority);
        pool_lane* const lane = own.get();
        if (lane == nullptr || !lane->has_room()) {
            return refusal::out_of_memory;
        }
        if (may_displace() && !task->is_timed) {
            task->due = now(); // displace() compares
        }
        slot& place = lane->reserve();
        task_node* const node = task.get();
        const call_site where = node->where;
        put(*node, place);
        lane->publish(place, in_node);
        static_cast<void>(task.release()); // from now on it may run
        if (has_kept(lanes_, *lane, place, where)) {
            return refusal::none;
        }
        task.reset(node);
        give_up(*lane, place);
        return refusal::shutting_down;
    }

    /// Sees to it that a worker comes for what was stored.
    static void announce(lane_set& lanes, call_site where) {
        asymmetric_barrier::light(); // O1 of the doorbell
        if (lanes.bell.is_needed()) [[unlikely]] {
            with_pool_of(lanes, [&](pool_core& pool) { pool.ring(where); });
        }
    }

    [[gnu::noinline]] static bool is_recalled(lane_set& lanes, pool_lane& lane, slot& stored) {
        const bool is_back = lane.try_recall(stored);
        with_pool_of(lanes, [](pool_core& pool) { pool.tell_waiters(); });
        return is_back;
    }

    /// Does something with the pool, unless it is gone.
    template <class Action>
    [[gnu::noinline]] static void with_pool_of(lane_set& lanes, Action act) {
        if (auto* const pool = static_cast<pool_core*>(lanes.keep_pool())) {
            act(*pool);
            pool->release();
        }
    }

    // Timers --------------------------------------------------------------------------------------

    bool start_due(timed& item) noexcept override {
        pool_lane*& lane = due_lanes_[static_cast<std::size_t>(item.priority)];
        if (lane == nullptr) {
            lane = lanes_.lend_to_timers(item.priority);
        }
        if (lane == nullptr || !lane->has_room()) {
            return false;
        }
        slot& place = lane->reserve();
        if (item.is_resumption) {
            enter_anyway();
            put(static_cast<suspended&>(item), place);
            lane->publish(place, resumption_type);
        } else {
            put(static_cast<task_node&>(item), place);
            lane->publish(place, in_node);
        }
        return true;
    }

    void after_starting() override { announce(lanes_, {}); }

    // Back-pressure -------------------------------------------------------------------------------

    /// For a coroutine that goes on, which must not be refused.
    void enter_anyway() noexcept {
        if (limit_.exists()) {
            limit_.enter_anyway();
        }
    }

    [[gnu::noinline]] entry make_room(priority level, refusal& why) {
        switch (options_.when_full) {
        case overflow::drop_oldest:
            why = displace(level) ? refusal::none : refusal::queue_full;
            break;
        case overflow::wait:
            why = wait_for_room();
            break;
        case overflow::run_in_caller:
            if (depth_of(&lent()) < most_nested) {
                return entry::run_here;
            }
            why = refusal::queue_full; // or the stack would overflow
            break;
        case overflow::refuse:
            why = refusal::queue_full;
            break;
        }
        return why == refusal::none ? entry::store : entry::refuse;
    }

    refusal wait_for_room() {
        if (runs_this_thread()) {
            return refusal::queue_full; // it would wait for itself
        }
        const bool has_room = limit_.wait_enter(deadline_after(options_.full_wait),
                                                [this] { return !is_open_here(); });
        return has_room         ? refusal::none
               : is_open_here() ? refusal::queue_full
                                : refusal::shutting_down;
    }

    /// Has the task that waits longest, of those whose priority is not above `level`, give its place
    /// to another one. False if there is none.
    bool displace(priority level) {
        for (bool may_find = true; may_find;) {
            may_find = false;
            for (std::size_t from = priorities; from-- > static_cast<std::size_t>(level);) {
                pool_lane* const lane = lane_of_oldest(from);
                may_find = may_find || lane != nullptr;
                if (lane != nullptr && try_displace(*lane)) {
                    return true;
                }
            }
            if (limit_.try_enter()) { // what was seen has been taken by a worker
                return true;
            }
        }
        return false;
    }

    /// Where the task stands that waits longest; null if none may be displaced.
    pool_lane* lane_of_oldest(std::size_t level) const noexcept {
        pool_lane* found = nullptr;
        steady_time oldest = steady_time::max();
        for (pool_lane* lane = lanes_.first(level); lane != nullptr; lane = lane->next) {
            lane->look_at_first([&](const slot& first) {
                const task_node* const node = task_taker::node_in(first);
                if (node != nullptr && node->due < oldest) {
                    oldest = node->due;
                    found = lane;
                }
            });
        }
        return found;
    }

    bool try_displace(pool_lane& lane) {
        giving_up taker(given_up_);
        const auto can_be_dropped = [](const slot& first) { // not a coroutine that goes on
            return task_taker::node_in(first) != nullptr;
        };
        if (!lane.take_if(taker, can_be_dropped)) {
            return false;
        }
        task_ptr task(task_taker::node_in(taker.taken()));
        taker.finish_slot();
        taker.flush();
        drop_task(std::move(task), lent(), failure::displaced, "the queue was full");
        return true;
    }

    /// Runs `task` on the calling thread, before the call that fired it returns.
    refusal run_here(task_ptr& task) {
        if (task->is_delayed || task->repeats()) {
            return refusal::queue_full; // that one can't be run now
        }
        caller_runs::run run{task->where, task->name};
        {
            const std::lock_guard lock(mutex_);
            if (!is_open_here()) {
                return refusal::shutting_down;
            }
            callers_.enter(run);
        }
        entered_by_callers_.fetch_add(1, std::memory_order_relaxed);
        struct settlement_of_caller {
            pool_core& pool;
            caller_runs::run& run;
            fate result = fate::failed;
            ~settlement_of_caller() {
                const std::lock_guard lock(pool.mutex_);
                if (pool.callers_.leave(run, result)) {
                    pool.note_written_off_end();
                }
                pool.quiet_.notify_all();
            }
        };
        settlement_of_caller after{*this, run};
        after.result = run_task(std::move(task), lent());
        return refusal::none;
    }

    // Counting ------------------------------------------------------------------------------------

    /// Of the tasks in lanes.
    task_counts ended() const noexcept {
        task_counts all = workers_.counts();
        all += lent_.counts.read();
        all.abandoned += given_up_.load(std::memory_order_acquire);
        return all;
    }

    stats count() const noexcept override {
        const task_counts by_now = ended(); // C1
        const std::uint64_t taken = lanes_.taken();
        stats now = count_timers();
        by_now.add_to(now);
        callers_.ended().add_to(now);
        // In the end all that was accepted has been taken; others may be on their way back.
        now.accepted += is_settled() ? lanes_.taken_at_once() : lanes_.pushed_at_once();
        now.accepted += callers_.entered();
        now.threads = workers_.alive();
        // More than there are threads have ended meanwhile.
        const std::uint64_t most = now.threads + (lender_ != std::thread::id() ? 1 : 0);
        const std::uint64_t running = taken - by_now.all();
        now.running = static_cast<std::size_t>(running < most ? running : most);
        now.running += callers_.running();
        now.pending = static_cast<std::size_t>(now.accepted - now.succeeded - now.failed -
                                               now.dropped - now.running);
        return now;
    }

    bool is_quiet(std::size_t own) const noexcept override {
        const std::uint64_t ended_by_now = ended().all(); // C1
        return !has_awaited_timers() && lanes_.pushed() + callers_.running() <= ended_by_now + own;
    }

    // Closing -------------------------------------------------------------------------------------

    void note_closed() noexcept override {
        lanes_.close();
        limit_.wake_all();
    }

    bool abandon_queued(abandoned_tasks& abandoned) override {
        lanes_.end(); // W2
        bool has_hidden = false;
        lanes_.find([&](pool_lane& lane) { // takes each lock: W1, W2
            abandon_in(lane, abandoned);
            // What is left is about to be recalled, or stands behind a task that is being copied.
            while (lane.seems_used() && abandoned.has_time()) {
                std::this_thread::yield();
                abandon_in(lane, abandoned);
            }
            has_hidden = has_hidden || lane.seems_used();
            return false;
        });
        return has_hidden || given_up_.load(std::memory_order_relaxed) > 0;
    }

    /// Gives tasks up, and counts that while the lane is locked: whoever comes to an empty lane
    /// then knows.
    struct giving_up : task_taker {
        explicit giving_up(std::atomic<std::uint64_t>& in) noexcept : count(in) {}
        void take(slot& from, pool_block& in) noexcept {
            task_taker::take(from, in);
            count.fetch_add(1, std::memory_order_release); // C1
        }
        std::atomic<std::uint64_t>& count;
    };

    void abandon_in(pool_lane& lane, abandoned_tasks& abandoned) {
        giving_up taker(given_up_);
        while (lane.take(taker)) {
            abandon(taker, abandoned);
        }
        taker.flush();
    }

    static void abandon(task_taker& taker, abandoned_tasks& abandoned) {
        slot& taken = taker.taken();
        if (task_node* const node = task_taker::node_in(taken)) {
            abandoned.add_queued(task_ptr(node));
        } else {
            abandoned.add_queued(task_in(taken));
        }
        taker.finish_slot();
    }

    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        const std::size_t by_callers = callers_.write_off(abandoned);
        std::size_t given_up = workers_.write_off_running(abandoned);
        if (lender_ != std::thread::id() && lender_ != std::this_thread::get_id()) {
            given_up += lent_.taker.write_off(abandoned) ? 1 : 0;
        }
        given_up_.fetch_add(given_up, std::memory_order_release);
        return given_up + by_callers;
    }

    /// The lanes while the pool is open and without a limit, else what is no lanes: so one comparison
    /// tells all.
    std::atomic<const void*> open_lanes_{&lanes_};
    static constexpr std::size_t most_nested = 8;
    std::atomic<std::uint64_t> given_up_{0};
    pool_lane* due_lanes_[priorities]{}; ///< under the timers' lock
    caller_runs callers_;
    std::atomic<std::uint64_t> entered_by_callers_{0};
};

} // namespace faf::detail
