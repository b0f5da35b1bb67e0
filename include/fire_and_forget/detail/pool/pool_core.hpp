// SPDX-License-Identifier: MIT
#pragma once

// The inside of a thread_pool: how tasks are counted, and how it closes. It may outlive the pool, for
// a worker whose task does not come to an end. pool_intake.hpp is how tasks come in.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../queue/lanes.hpp"
#include "pool_intake.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  Those of its bases, and
///             C1  ended <= taken <= stored, for counts read in that order: so they add up at every
///                 moment, and nobody who counts needs a lock.
class pool_core final : public pool_intake {
public:
    /// Shares `lanes` with the threads that will submit.
    pool_core(pool_options settings, lane_set& lanes) : pool_intake(std::move(settings), lanes) {
        begin_service();
    }
    explicit pool_core(pool_options settings) : pool_core(std::move(settings), *new lane_set) {}

    /// The default pool, whose sink is a setting of the program and not its own.
    pool_core(pool_options settings, lane_set& lanes, const error_sink* sink)
        : pool_core(std::move(settings), lanes) {
        is_default_ = true;
        set_sink(sink);
    }
    ~pool_core() override {
        end_service();
        sink_time for_sinks(steady_clock::now());
        abandoned_tasks abandoned(lent(), for_sinks);
        end_timers(abandoned);         // of a pool that was ended by one of its own tasks
        if (lanes_.may_have_tasks()) { // no thread could be had for them
            static_cast<void>(abandon_queued(abandoned, false));
        }
    }
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    bool is_default() const noexcept { return is_default_; }

    std::uint64_t admissions() const override {
        return lanes_.accepted() + count_timers().accepted + books.accepted() +
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
        sink_time for_sinks(deadline);
        const bool all_done = close(deadline, for_sinks);
        dismiss_workers(deadline);
        end_use(later(deadline, exit_patience));
        return all_done;
    }

    /// At exit: nobody may use the pool's sink, which is the user's, once static destructors run.
    void close_for_exit(steady_time start, sink_time& for_sinks) override {
        executor_core::close_for_exit(start, for_sinks);
        give_up_sink(exit_time(start));
    }

    void end_threads(steady_time deadline) override {
        if (!runs_this_thread()) {
            dismiss_workers(deadline);
            end_use(deadline);
        }
    }

    /// The end of the pool's owner, who must not use it any more.
    void retire() {
        if (!is_in_its_process()) {
            return; // a forked child lets its parent's pool lie
        }
        const bool is_ours = runs_this_thread();
        const steady_time deadline = deadline_after(exit_timeout());
        shutdown_until(deadline);
        give_up_sink(is_ours ? steady_time() : deadline); // tasks that go on may outlive its owner
        if (is_ours) { // It can't wait for itself: the workers go when the queue is empty.
            dismiss();
        }
        release();
    }

private:
    // Counting ------------------------------------------------------------------------------------

    /// Of the tasks in lanes.
    task_counts ended() const noexcept {
        task_counts all = workers_.counts();
        all.abandoned += given_up_.load(std::memory_order_acquire);
        all.abandoned += displaced_.load(std::memory_order_acquire);
        all.open += given_up_open_.load(std::memory_order_acquire);
        return all;
    }

    stats count() const noexcept override {
        stats now = books.ends(); // C1
        const task_counts by_now = ended();
        const std::uint64_t taken = lanes_.taken();
        now += count_timers();
        by_now.add_to(now);
        ended_by_callers_.add_to(now);
        now.threads = workers_.alive();
        now.resumptions = lanes_.resumed();
        const std::uint64_t over = now.succeeded + now.failed + now.dropped;
        if (is_settled()) { // what seems to be more is on its way back to who stored it
            now.accepted = over;
            return now;
        }
        now.accepted += lanes_.accepted() + books.accepted() +
                        entered_by_callers_.load(std::memory_order_relaxed);
        // More than there are threads have ended meanwhile.
        const std::uint64_t unended = taken - by_now.all();
        const std::uint64_t running =
            (unended < now.threads ? unended : now.threads) + callers_.count();
        // Of those some may be coroutines that were fired elsewhere.
        const std::uint64_t open = now.accepted - over;
        now.running = as_size(running < open ? running : open);
        now.pending = as_size(now.accepted - over - now.running);
        return now;
    }

    bool is_quiet(std::size_t own) const noexcept override {
        const std::uint64_t ended_by_now = ended().all(); // C1
        return !has_awaited_timers() && lanes_.pushed() + callers_.count() <= ended_by_now + own;
    }

    // Closing -------------------------------------------------------------------------------------

    void note_closed() noexcept override {
        lanes_.close();
        limit_.wake_all();
    }

    bool abandon_queued(abandoned_tasks& abandoned, bool was_quiet) override {
        lanes_.end(); // W2
        bool has_hidden = false;
        lanes_.find([&](pool_lane& lane) { // takes each lock: W1, W2
            const auto give_up = [&] {
                if (was_quiet) {
                    lane.look_at_first([](const slot&) {}); // C2
                } else {
                    abandon_in(lane, abandoned);
                }
            };
            give_up();
            // What is left is about to be recalled, or stands behind a task that is being copied.
            bool has_more = lane.seems_used();
            while (has_more && abandoned.has_time()) {
                std::this_thread::yield();
                give_up();
                has_more = lane.seems_used();
            }
            has_hidden = has_hidden || has_more;
            return false;
        });
        return has_hidden || given_up_.load(std::memory_order_relaxed) > 0;
    }

    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        write_offs lost;
        const std::size_t uncounted = callers_.passing_written_off();
        const std::size_t by_callers = callers_.write_off(abandoned);
        ended_by_callers_.abandoned += by_callers - (callers_.passing_written_off() - uncounted);
        workers_.write_off_running(abandoned, lost);
        given_up_.fetch_add(lost.tasks, std::memory_order_release);
        given_up_open_.fetch_add(lost.passing, std::memory_order_release);
        return lost.tasks + lost.passing + by_callers;
    }

    bool is_default_ = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
