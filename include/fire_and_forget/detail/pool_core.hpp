// SPDX-License-Identifier: MIT
#pragma once

// The inside of a thread_pool: where submits store, where tasks run and are counted, and how it
// closes. It may outlive the pool, for a worker whose task does not come to an end.

#include "../options.hpp"
#include "lanes.hpp"
#include "pool_staff.hpp"
#include "run_task.hpp"
#include "task.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

namespace faf::detail {

/// Invariants  E1-E3 of executor_core, P1-P3 of pool_staff, and
///             C1  ended <= taken <= stored, for counts read in that order: so they add up at every
///                 moment, and nobody who counts needs a lock.
///             C2  A task stored in a closed pool is recalled by who stored it, unless a worker or
///                 whoever closes has taken it.
class pool_core final : public pool_staff {
public:
    /// Shares `lanes` with the threads that will submit.
    pool_core(pool_options settings, lane_set& lanes)
        : pool_staff(std::move(settings), lanes), lent_(lanes) {
        begin_service();
    }
    explicit pool_core(pool_options settings) : pool_core(std::move(settings), *new lane_set) {}
    ~pool_core() override { end_service(); }
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    // Submits -------------------------------------------------------------------------------------

    /// The lane of the calling thread, for tasks of normal priority, if it is at hand and the pool
    /// is open. If not, lane_of_this_thread and is_open_here() know more.
    pool_lane* lane_at_hand() const noexcept {
        return this_thread.lanes == &lanes_ && is_open() ? this_thread.lane : nullptr;
    }

    lane_set& lanes() noexcept { return lanes_; }

    /// To be called for each task that was stored. False if it was too late: the pool has closed
    /// and the task is the caller's again, who is to destroy it and then bury() its slot.
    bool has_kept(pool_lane& lane, slot& stored, const call_site& where) {
        announce(where); // E2 comes after its barrier
        return !is_closed() || !is_recalled(lane, stored);
    }

    /// Gives up a slot whose task could not be made or was recalled.
    [[gnu::noinline]] void bury(pool_lane& lane, slot& empty) {
        pool_lane::bury(empty);
        announce({}); // more may have been stored behind it
        if (is_closed()) {
            abandoned_tasks abandoned(lent(), deadline_after(sink_patience));
            abandon_in(lane, abandoned);
            tell_waiters();
        }
    }

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task) {
        refusal why = refusal::shutting_down;
        if (is_open_here()) {
            const lane_of_this_thread own(lanes_, task->priority);
            slot* const place = own.get() != nullptr ? own.get()->reserve() : nullptr;
            why = place == nullptr ? refusal::out_of_memory : store(*own.get(), *place, task);
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
        if (is_ours) { // It can't wait for itself: the workers go when the queue is empty.
            dismiss();
        }
        release();
    }

private:
    /// The pointer in a slot owns the node until a worker takes it out.
    refusal store(pool_lane& lane, slot& place, task_ptr& task) {
        task_node* const node = task.get();
        std::memcpy(place.closure, &node, sizeof node);
        const call_site where = place.where = node->where;
        lane.publish(place, in_node);
        if (has_kept(lane, place, where)) {
            static_cast<void>(task.release()); // by now it may have run
            return refusal::none;
        }
        bury(lane, place);
        return refusal::shutting_down;
    }

    [[gnu::noinline]] bool is_recalled(pool_lane& lane, slot& stored) {
        const bool is_back = lane.try_recall(stored);
        tell_waiters();
        return is_back;
    }

    // Running -------------------------------------------------------------------------------------

    /// Settles a task even where it ends the thread by force: then it has failed.
    struct settlement {
        pool_core& pool;
        worker_state& self;
        fate result = fate::failed;
        bool is_in_slot = true;
        settlement(pool_core& in, worker_state& of) noexcept : pool(in), self(of) {}
        ~settlement() {
            if (is_in_slot) {
                self.taker.finish_slot();
            }
            if (self.taker.end()) [[likely]] {
                self.counts.add(result);
            } else {
                pool.end_written_off();
            }
        }
        settlement(const settlement&) = delete;
        settlement& operator=(const settlement&) = delete;
    };

    void run(worker_state& self) override {
        settlement after(*this, self);
        slot& taken = self.taker.taken();
        if (task_node* const node = task_taker::node_in(taken)) {
            task_ptr task(node);
            self.taker.finish_slot(); // its block need not wait for the task
            after.is_in_slot = false;
            after.result = run_task(std::move(task), lent());
        } else {
            after.result = run_task(task_in(taken), lent());
        }
    }

    static stored_task task_in(const slot& taken) noexcept {
        return {*taken.type.load(std::memory_order_relaxed), // seen with acquire when it was taken
                const_cast<std::byte*>(taken.closure), taken.where};
    }

    void end_written_off() {
        const std::lock_guard lock(mutex_);
        note_written_off_end();
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
        const std::uint64_t most = now.threads + (is_lent_ ? 1 : 0);
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

    bool abandon_queued(abandoned_tasks& abandoned) override {
        is_over_.store(true, std::memory_order_relaxed); // P3
        lanes_.find([&](pool_lane& lane) {               // takes each lock: W1
            abandon_in(lane, abandoned);
            return false;
        });
        return given_up_.load(std::memory_order_relaxed) > 0;
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
        if (is_lent_ && !runs_this_thread()) {
            given_up += lent_.taker.write_off(abandoned) ? 1 : 0;
        }
        given_up_.fetch_add(given_up, std::memory_order_release);
        return given_up;
    }

    /// A thread whose task calls exit() does not come back: another takes its place.
    void note_exit() noexcept override {
        if (workers_.has_this_thread()) {
            vacate();
        } else if (runs_this_thread() && std::exchange(is_lent_, false)) {
            vacate();
        }
        if (may_have_tasks()) {
            static_cast<void>(hire({}));
        }
    }

    /// With tasks but no worker: tries to start one, and if that has failed again runs a task here.
    /// Only for want of a thread, because a task that does not end would hold up the caller beyond
    /// its deadline.
    bool lend_a_hand(std::unique_lock<std::mutex>& lock, steady_time deadline) override {
        if (!has_no_worker() || !may_have_tasks()) {
            return false;
        }
        if (workers_.pause().is_over()) {
            static_cast<void>(hire({}));
            has_given_up_ = has_no_worker();
        } else if (has_given_up_) {
            run_here(lock);
        } else { // the system may have thought better of it when the pause is over
            wait_until(quiet_, lock, earlier_of(workers_.pause().end_time(), deadline));
        }
        return true;
    }

    /// Runs one task on the calling thread, which has a worker's place meanwhile.
    void run_here(std::unique_lock<std::mutex>& lock) {
        struct loan {
            pool_core& pool;
            std::unique_lock<std::mutex>& held;
            ~loan() {
                pool.lent_.taker.flush();
                held.lock();
                if (std::exchange(pool.is_lent_, false)) {
                    pool.vacate();
                }
                pool.quiet_.notify_all(); // another waiter may be the next to lend a hand
            }
        };
        occupy();
        is_lent_ = true;
        lock.unlock();
        const loan until_done{*this, lock};
        if (take(lent_)) {
            run(lent_);
        }
    }

    worker_state lent_; ///< of a waiting thread that runs a task, for want of workers
    bool is_lent_ = false;
    bool has_given_up_ = false; ///< no thread for a waiter either, at its last try
    std::atomic<std::uint64_t> given_up_{0};
};

} // namespace faf::detail
