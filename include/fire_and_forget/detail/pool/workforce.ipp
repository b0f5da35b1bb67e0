// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/durations.hpp"
#include "workforce.hpp"

#include "../errors/bounded_text.hpp"
#include "../executor/errands.hpp"
#include "../executor/exit_registry.hpp"
#include "../executor/keeper.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/cpu_count.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"

#include <exception>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

namespace staffing {

inline std::uint32_t places(unsigned asked) noexcept {
    const std::uint32_t wanted = asked > 0 ? asked : usable_cpus();
    return wanted < doorbell::most_sleepers ? wanted : doorbell::most_sleepers;
}

inline std::uint32_t most_places(const pool_options& asked, std::uint32_t size) noexcept {
    constexpr std::uint32_t usual_most = 512;
    const bool is_fixed = asked.fixed || (asked.threads == 1 && asked.max_threads == 0);
    const std::uint32_t most = asked.max_threads > 0 ? asked.max_threads : usual_most;
    const std::uint32_t wanted = is_fixed || most < size ? size : most;
    return wanted < doorbell::most_sleepers ? wanted : doorbell::most_sleepers;
}

} // namespace staffing

[[gnu::cold]] FIRE_AND_FORGET_ENGINE
workforce::workforce(const pool_options& asked, lane_set& lanes, shutdown_participant& owner,
                     quiescence& quiet, const host& lent, sink_lending& sinks, thread_body live)
    : options_(asked), size_(staffing::places(asked.threads)),
      most_(staffing::most_places(asked, size_)), lanes_(lanes), bell_(lanes.bell), owner_(owner),
      quiet_(quiet), lent_(lent), sinks_(sinks), live_(live), workers_(lanes), vacancies_(size_) {}

FIRE_AND_FORGET_ENGINE void workforce::ring(call_site where) {
    if (bell_.try_ring()) {
        call_or_hire(where, ring_of::caller);
        keeper::instance().notice_ring();
    }
}

FIRE_AND_FORGET_ENGINE void workforce::call_or_hire(const call_site& where, ring_of whose) {
    if (is_another_free()) {
        bell_.call_one();
        return;
    }
    thread_trouble trouble;
    worker* recruit = nullptr;
    {
        const inside_library hiring;
        std::unique_lock lock(quiet_.mutex(), std::defer_lock);
        if (try_lock_soon(lock)) {
            recruit = fill_vacancy(where, trouble);
        }
        if (recruit == nullptr && whose == ring_of::caller) {
            bell_.give_up_ring();
        }
    }
    owner_.keep(); // the task may end the pool once it has a thread
    report(recruit != nullptr ? start(*recruit, where) : trouble);
    owner_.release();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::hire_usual() {
    std::unique_lock lock(quiet_.mutex(), std::defer_lock);
    if (try_lock_soon(lock)) {
        report(hire(lock, {}));
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool workforce::hire_extra() {
    thread_trouble trouble;
    worker* recruit = nullptr;
    {
        std::unique_lock lock(quiet_.mutex(), std::defer_lock);
        if (try_lock_soon(lock)) {
            recruit = enroll(hired_as::extra, {}, trouble);
        }
    }
    if (recruit != nullptr) {
        trouble = start(*recruit, {});
    }
    report(trouble);
    return recruit != nullptr && !trouble;
}

/// Starts a worker if a place is vacant. Under the mutex, and gives it back.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE thread_trouble
workforce::hire(std::unique_lock<std::mutex>& lock, const call_site& where) {
    const inside_library hiring;
    thread_trouble trouble;
    worker* const recruit = fill_vacancy(where, trouble);
    lock.unlock();
    return recruit != nullptr ? start(*recruit, where) : trouble;
}

/// Null if no place is vacant, or no thread is to be had. Under the mutex.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE worker* workforce::fill_vacancy(const call_site& where,
                                                                     thread_trouble& trouble) {
    return vacancies() > 0 ? enroll(hired_as::usual, where, trouble) : nullptr;
}

/// A place and a record for one more worker, who is to be started. Null if that can't be. Under
/// the mutex.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE worker*
workforce::enroll(hired_as what, const call_site& where, thread_trouble& trouble) {
    if (lanes_.is_over()) {
        return nullptr;
    }
    exit_registry::instance().note_work();
    worker* const recruit = workers_.enroll(where, trouble);
    if (recruit != nullptr) {
        owner_.keep(); // the worker's
        recruit->is_extra = what == hired_as::extra;
        if (recruit->is_extra) {
            extra_.fetch_add(1, std::memory_order_relaxed); // STAFF-2
        } else {
            vacancies_.fetch_sub(1, std::memory_order_relaxed); // STAFF-1
        }
    }
    return recruit;
}

/// Without the mutex: who starts a thread may be stopped half-way, and others
/// must be able to go on.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE thread_trouble workforce::start(worker& recruit,
                                                                     const call_site& where) {
    const bool is_extra = recruit.is_extra;
    std::exception_ptr why;
    if (workers_.start(recruit, live_, &owner_, options_.stack_size, why)) {
        return {};
    }
    thread_trouble trouble;
    {
        const library_lock lock(quiet_.mutex());
        trouble = workers_.withdraw(recruit, where, std::move(why));
        if (is_extra) {
            extra_.fetch_sub(1, std::memory_order_relaxed); // STAFF-2
        } else {
            note_vacancy(); // STAFF-1: it has never ceased to count as asleep
            bell_.give_up_ring();
        }
        quiet_.notify();
    }
    owner_.release();
    return trouble;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::report(const thread_trouble& trouble) {
    if (trouble) {
        owner_.keep();
        tell_off_the_keeper([this, trouble] {
            bounded_text<64> remedy;
            remedy.append("it waits for one");
            if (options_.stack_size > 0) {
                remedy.append(" with a stack of ");
                remedy.append_number(static_cast<long long>(options_.stack_size));
                remedy.append(" bytes");
            }
            trouble.report(remedy.view(), sink_lending::loan(sinks_).sink());
            owner_.end_if_forked();
            owner_.release();
        });
    }
}

/// A worker's place goes or becomes vacant. Under the mutex; the caller then hires if there are
/// tasks.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::give_up_place() noexcept {
    const std::uint32_t extra = extra_places();
    if (extra > 0) { // STAFF-2
        extra_.store(extra - 1, std::memory_order_relaxed);
        return;
    }
    note_vacancy(); // STAFF-1
    bell_.fall_asleep(doorbell::turn::of_another);
    asymmetric_barrier::heavy(); // BELL-1
}

FIRE_AND_FORGET_ENGINE void workforce::note_vacancy() noexcept {
    if (vacancies_.fetch_add(1, std::memory_order_relaxed) + 1 == size_) {
        bell_.leave_to_all();
    }
}

FIRE_AND_FORGET_ENGINE void workforce::wake_up(worker& self) {
    self.turn = bell_.wake_up();
    keeper::instance().notice_activity();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE workforce::employment::employment(workforce& in, worker& its)
    : in_(in), self_(its) {
    this_thread.works_for = &in.lent_;
    this_thread.worker = &its.info;
    its.info.pool = in.options_.name;
    its.id.store(std::this_thread::get_id());
    its.thread_number.store(thread_number(), std::memory_order_relaxed);
    name_worker_thread(in.options_.name, its.number);
    asymmetric_barrier::prepare();
    if (in.has_napper()) {
        in.bell_.leave_to_workers();
    }
    if (!its.is_extra) { // STAFF-2: that one never counted as asleep
        in.wake_up(its);
    }
    its.taker.on = &in.lent_;
    this_thread.item = &its.taker;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE workforce::employment::~employment() {
    shutdown_participant& owner = in_.owner_;
    library_threads::instance().leave(); // JOIN-1
    in_.leave(self_, is_forced_);
    this_thread.worker = nullptr;
    delete &self_;
    this_thread.works_for = nullptr;
    owner.release();
}

/// A thread that a task has ended is replaced. The pool does not know the worker any more.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::leave(worker& self, bool is_forced) {
    self.taker.flush();
    {
        const std::lock_guard lock(quiet_.mutex());
        workers_.let_go(self);
        if (!self.has_left_place) {
            give_up_place();
        }
        quiet_.notify();
    }
    const bool was_needed = is_forced && has_napper(); // WORKER-2
    if (was_needed || lanes_.may_have_tasks()) {
        ring(self.taker.where());
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::note_exit() {
    const inside_library leaving;
    std::unique_lock lock(quiet_.mutex());
    worker* const exiting = workers_.of_this_thread();
    if (exiting != nullptr && !std::exchange(exiting->has_left_place, true)) {
        give_up_place();
    }
    if (lanes_.may_have_tasks()) {
        static_cast<void>(hire(lock, {}));
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::dismiss() noexcept {
    is_dismissed_.store(true, std::memory_order_release);
    bell_.call_all();
    keeper::instance().notice_ring();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void workforce::dismiss_until(steady_time deadline) {
    constexpr std::chrono::seconds patience{5};
    const steady_time end = later(deadline, patience);
    dismiss();
    {
        const inside_library waiting;
        std::unique_lock lock(quiet_.mutex());
        for (slices wait; !workers_.is_deserted() && steady_clock::now() < end;) {
            quiet_.wait(wait, lock, end);
            bell_.call_all();
        }
    }
    library_threads::instance().join_left(&owner_);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
