// SPDX-License-Identifier: MIT
#pragma once

// What waits for its time in an executor: how it gets there, how it is started, and what becomes of
// it when the executor closes. executor_core.hpp is the rest of an executor.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/time.hpp"
#include "../queue/timer_queue.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "abandoned_tasks.hpp"
#include "keeper.hpp"
#include "lifecycle.hpp"

#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Has the keeper come by when something is due. That hands it to start_due(), which stores it where
/// threads find it; until then it costs no thread.
///
/// Order  Those with one deadline in the order in which they came, as far as start_due() keeps it.
/// Orderings  X1  Who asks all to stop fences and then looks whether anything waits; who stores a
///                task or lets a coroutine sleep fences and then looks whether all were asked. One
///                sees the other.
/// Cost   A task that waits is one allocation and one lock-free push; a system call only if it is due
///        before the keeper gets up.
class executor_timers : public exit_party, public scheduler, protected ward {
public:
    const error_sink* sink() const noexcept { return host_.sink.load(std::memory_order_relaxed); }

    steady_time now() const noexcept final { return steady_clock::now(); }

    bool resume_at(suspended& one) noexcept final {
        if (!is_in_its_process()) {
            return false;
        }
        const steady_time call = when_to_call(one.due);
        const bool is_kept = timers_.push(one);
        if (is_kept) {
            call_keeper(call, {});
        } else {
            tell_waiters(); // for a moment it seemed to wait
        }
        return is_kept;
    }

    void notice_stop() noexcept final {
        full_fence(); // X1
        if (!timers_.seems_used() || !is_in_its_process()) {
            return;
        }
        if (is_stopping()) { // on this thread, for it takes a look at all that wait
            timers_.make_due(now(), is_asked_to_stop);
        }
        request_visit();
    }

    void notice_stop_of(watched& one) noexcept final {
        if (is_in_its_process() && timers_.ask(one)) {
            call_keeper((steady_time::min)(), {});
        }
    }

    bool is_stopping() const noexcept final { return host_.stop.stop_requested(); }
    void keep_scheduler() noexcept final { keep(); }
    void release_scheduler() noexcept final { release(); }
    void notice_end() noexcept final { tell_waiters(); }

    void repeat_after(task_ptr task, repetition answer) noexcept final {
        const std::uint64_t skipped = task->advance(now());
        if (answer != repetition::go_on || !repeat(std::move(task), skipped)) {
            note_given_up();
        }
    }

protected:
    executor_timers() : stop_(make_stop_source()), host_{nullptr, stop_.get_token(), this} {}

    const host& lent() const noexcept { return host_; }

    /// To be called while it is being made, and with null when the sink may not be called any more.
    /// Relaxed: whoever ends a sink must know by other means that no thread is about to call it.
    void set_sink(const error_sink* sink) noexcept {
        host_.sink.store(sink, std::memory_order_relaxed);
    }

    /// When it is complete: other threads call its virtual functions from here on.
    void begin_service() { exit_registry::instance().enlist(*this); }
    void end_service() noexcept { keeper::instance().strike_off(*this); }

    bool try_hold() noexcept final { return try_keep(); }
    void let_go() noexcept final { release(); }
    bool has_news() const noexcept final { return timers_.has_news(); }
    visit look_after(steady_time now) override { return {serve_timers(now), false}; }

    /// Takes `task` to be started when it is due, or says why not and leaves it.
    refusal delay(task_ptr& task) {
        if (!try_watch(*task)) {
            return refusal::out_of_memory;
        }
        if (!store_watched(task)) {
            tell_waiters(); // for a moment it seemed to wait
            return refusal::shutting_down;
        }
        return refusal::none;
    }

    /// What run_task does with a task that is to be run again. False if it has run for the last time.
    bool repeat(task_ptr task, std::uint64_t skipped) {
        skipped_.fetch_add(skipped, std::memory_order_relaxed);
        static_cast<void>(try_watch(*task)); // without memory its stop is noticed when it is due
        const bool is_kept =
            !ends_repeating_.load(std::memory_order_relaxed) && store_watched(task);
        full_fence(); // X1
        if (is_kept && ends_repeating_.load(std::memory_order_relaxed)) {
            cancel_repeating();
        }
        return is_kept;
    }

    /// Has the keeper come by at once.
    void request_visit() {
        timers_.request_look();
        call_keeper((steady_time::min)(), {});
    }

    /// Starts what is due; returns when to come again.
    steady_time serve_timers(steady_time now) {
        bool is_any = false;
        const steady_time next = timers_.serve(now, most_at_once, [&](timed& item) {
            const bool is_stored = start_due(item);
            is_any = is_any || is_stored;
            return is_stored;
        });
        if (is_any) {
            after_starting();
            tell_waiters(); // what has run by now was not waited for last, but this
        }
        return next;
    }

    /// Those that wait for their time or have been given up while they did.
    stats count_timers() const noexcept {
        stats all;
        all.cancelled = undue_cancelled_.load(std::memory_order_acquire); // of those accepted
        all.dropped = all.cancelled + undue_abandoned_.load(std::memory_order_acquire) +
                      undue_displaced_.load(std::memory_order_acquire);
        all.accepted =
            has_ended_.load(std::memory_order_acquire) ? timers_.gone() : timers_.accepted();
        all.skipped = skipped_.load(std::memory_order_relaxed);
        return all;
    }
    bool has_awaited_timers() const noexcept { return timers_.has_awaited(); }
    bool has_abandoned_timers() const noexcept {
        return undue_abandoned_.load(std::memory_order_relaxed) > 0;
    }

    /// Asks all that take a stop_token to stop, and ends what repeats.
    void request_stop() {
        stop_.request_stop();
        notice_stop();
        ends_repeating_.store(true, std::memory_order_relaxed);
        full_fence(); // X1
        cancel_repeating();
    }

    /// Nothing more is to wait for its time, and what can't be started before `deadline` is given up:
    /// what repeats is cancelled, the rest is abandoned. What is due never comes even before a
    /// deadline that is never.
    void close_timers(steady_time deadline, abandoned_tasks& abandoned) {
        timers_.close();
        give_up(abandoned, [deadline](const timed& item) {
            return !is_awaited(item) ||
                   (!item.is_resumption && (deadline < item.due || item.due == never));
        });
    }

    /// Displaces the task of `level` whose time comes last: it would have its place the longest. Not
    /// one that repeats, nor a coroutine. False if there is none.
    bool displace_delayed(priority level) {
        timed* const latest = timers_.take_latest_if(
            [level](const timed& one) {
                return one.priority == level && !one.is_resumption && is_awaited(one);
            },
            [this] { undue_displaced_.fetch_add(1, std::memory_order_release); });
        if (latest != nullptr) {
            drop_task(task_ptr(static_cast<task_node*>(latest)), host_, failure::displaced,
                      "the queue was full");
            tell_waiters();
        }
        return latest != nullptr;
    }

    /// The same for all that still waits.
    void end_timers(abandoned_tasks& abandoned) {
        timers_.close();
        give_up(abandoned, [](const timed&) { return true; });
        has_ended_.store(true, std::memory_order_release);
    }

    // What executors do differently.

    /// Stores what has become due where a thread will find it; false if that needs memory that is
    /// not there. Under the timers' lock, so nothing may be reported.
    virtual bool start_due(timed& item) noexcept = 0;

    /// Sees to it that threads come for what was stored.
    virtual void after_starting() = 0;

    /// Something that waited for its time is gone.
    virtual void tell_waiters() noexcept = 0;

    /// A task is given up that waited for its time.
    virtual void note_given_up() noexcept {}

private:
    static constexpr unsigned most_at_once = 256;

    /// Pushes a task that is watched, if need be. Once it is stored, it may run, and somebody may end
    /// the executor for that.
    bool store_watched(task_ptr& task) {
        const bool is_watched = task->is_watched;
        stop_token stop;
        if (is_watched) {
            stop = task->details->stop;
            keep();
        }
        const scope_guard at_the_end([&] {
            if (is_watched) {
                release();
            }
        });
        const steady_time call = when_to_call(task->due);
        const call_site where = task->where;
        if (!timers_.push(*task)) {
            return false;
        }
        static_cast<void>(task.release());
        call_keeper(call, where);
        if (is_watched && stop.stop_requested()) { // O3 of the queue
            request_visit();
        }
        return true;
    }

    /// Has the timers notice when the token of a task is asked to stop.
    bool try_watch(task_node& task) {
        bool is_done = true;
        if (task.details != nullptr && task.details->watch == nullptr &&
            task.details->stop.stop_possible()) {
            task.details->watch = new (std::nothrow) stop_watch(task.details->stop, *this, task);
            is_done = task.is_watched = task.details->watch != nullptr;
        }
        return is_done;
    }

    /// When the keeper should come by for one that is due at `due`: at once if it is one of many, lest
    /// too many are left in the intake.
    steady_time when_to_call(steady_time due) const noexcept {
        return (timers_.accepted() + timers_.sleepers()) % 1024 == 1023 ? (steady_time::min)()
                                                                        : due;
    }

    static void call_keeper(steady_time when, const call_site& where) {
        if (keeper::instance().sleeps_past(when)) {
            const thread_trouble trouble = keeper::instance().notice_deadline(where);
            trouble.report("what waits for its time waits for one", nullptr);
        }
    }

    void cancel_repeating() {
        sink_time not_needed(never);
        abandoned_tasks none(host_, not_needed);
        give_up(none, [](const timed& item) { return !is_awaited(item); });
    }

    template <class Predicate>
    void give_up(abandoned_tasks& abandoned, Predicate is_it) {
        bool is_any = false;
        timed* item = timers_.take_if([&](const timed& one) {
            const bool is_taken = is_it(one);
            if (is_taken && !one.is_resumption) { // before anybody can see that it waits no more
                (is_awaited(one) ? undue_abandoned_ : undue_cancelled_)
                    .fetch_add(1, std::memory_order_release);
            }
            return is_taken;
        });
        for (; item != nullptr; is_any = true) {
            timed& one = *std::exchange(item, item->next);
            if (one.is_resumption) {
                abandoned.add_queued(static_cast<suspended&>(one));
                continue;
            }
            note_given_up();
            if (task_ptr task(&static_cast<task_node&>(one)); is_awaited(one)) {
                abandoned.add_delayed(std::move(task));
            } else {
                drop_task(std::move(task), host_, failure::cancelled, {});
            }
        }
        if (is_any) {
            tell_waiters();
        }
    }

    timer_queue timers_;
    std::atomic<std::uint64_t> undue_cancelled_{0}; ///< before their time had come
    std::atomic<std::uint64_t> undue_abandoned_{0};
    std::atomic<std::uint64_t> undue_displaced_{0};
    std::atomic<std::uint64_t> skipped_{0};
    std::atomic<bool> ends_repeating_{false};
    std::atomic<bool> has_ended_{false};
    stop_source stop_;
    host host_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
