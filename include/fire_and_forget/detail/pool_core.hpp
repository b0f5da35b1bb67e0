// SPDX-License-Identifier: MIT
#pragma once

// The inside of a thread_pool: where submits store, how tasks are counted, and how it closes. It
// may outlive the pool, for a worker whose task does not come to an end.

#include "../options.hpp"
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

    /// Whether this_thread.lane is the calling thread's lane here, and the pool is open. If not,
    /// lane_of_this_thread and is_open_here() know more.
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

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task) {
        refusal why = refusal::shutting_down;
        if (is_open_here()) {
            const lane_of_this_thread own(lanes_, task->priority);
            pool_lane* const lane = own.get();
            why = lane != nullptr && lane->has_room() ? store(*lane, task) : refusal::out_of_memory;
        }
        if (why != refusal::none) {
            note_refused();
        }
        return why;
    }

    std::uint64_t admissions() const override { return lanes_.pushed(); }

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
    refusal store(pool_lane& lane, task_ptr& task) {
        slot& place = lane.reserve();
        task_node* const node = task.get();
        ::new (static_cast<void*>(place.closure)) task_node*(node);
        const call_site where = place.where = node->where;
        lane.publish(place, in_node);
        static_cast<void>(task.release()); // from now on it may run
        if (has_kept(lanes_, lane, place, where)) {
            return refusal::none;
        }
        task.reset(node);
        give_up(lane, place);
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

    // Counting ------------------------------------------------------------------------------------

    task_counts ended() const noexcept {
        task_counts all = workers_.counts();
        all += lent_.counts.read();
        all.dropped += given_up_.load(std::memory_order_acquire);
        return all;
    }

    stats count() const noexcept override {
        const task_counts by_now = ended(); // C1
        const std::uint64_t taken = lanes_.taken();
        stats now;
        now.succeeded = by_now.succeeded;
        now.failed = by_now.failed;
        now.dropped = by_now.dropped;
        // In the end all that was accepted has been taken; others may be on their way back.
        now.accepted = is_settled() ? taken : lanes_.pushed();
        now.threads = workers_.alive();
        // More than there are threads have ended meanwhile.
        const std::uint64_t most = now.threads + (lender_ != std::thread::id() ? 1 : 0);
        const std::uint64_t running = taken - by_now.all();
        now.running = static_cast<std::size_t>(running < most ? running : most);
        now.pending = static_cast<std::size_t>(now.accepted - by_now.all()) - now.running;
        return now;
    }

    bool is_quiet(std::size_t own) const noexcept override {
        const std::uint64_t ended_by_now = ended().all(); // C1
        return ended_by_now + own >= lanes_.pushed();
    }

    // Closing -------------------------------------------------------------------------------------

    void note_closed() noexcept override { lanes_.close(); }

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
        std::size_t given_up = workers_.write_off_running(abandoned);
        if (lender_ != std::thread::id() && lender_ != std::this_thread::get_id()) {
            given_up += lent_.taker.write_off(abandoned) ? 1 : 0;
        }
        given_up_.fetch_add(given_up, std::memory_order_release);
        return given_up;
    }

    /// The lanes while the pool is open, and then what is no lanes: so one comparison tells both.
    std::atomic<const void*> open_lanes_{&lanes_};
    std::atomic<std::uint64_t> given_up_{0};
};

} // namespace faf::detail
