// SPDX-License-Identifier: MIT
#pragma once

#include "member_set.hpp"

#include "../platform/reentry.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE member_set::~member_set() {
    if (is_in_its_process()) { // else what the parent has stays where it is
        cohorts_.free_all();
    }
}

// Who comes in ------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE refusal member_set::why_not_open() const noexcept {
    if (!is_in_its_process()) {
        return refusal::forked_child;
    }
    return is_stopping_.load(std::memory_order_relaxed) && !is_inside() ? refusal::shutting_down
                                                                        : refusal::none;
}

FIRE_AND_FORGET_ENGINE stop_token member_set::stop_of_waiting(cohort& its) {
    const library_lock lock(mutex_);
    if (!its.has_timed) {
        its.timed = make_stop_source();
        its.has_timed = true;
        if (its.is_cancelled() || is_stopping_.load(std::memory_order_relaxed)) {
            static_cast<void>(its.timed.request_stop()); // nobody listens yet
        }
    }
    return its.timed.get_token();
}

// The owner's side --------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE void member_set::request_stop() {
    const cohort* first = nullptr;
    {
        const library_lock lock(mutex_);
        is_stopping_.store(true, std::memory_order_relaxed);
        first = cohorts_.front();
    }
    static_cast<void>(stop_.request_stop()); // runs callbacks of users
    for (const cohort* one = first; one != nullptr; one = one->next) {
        stop_waiting_of(*one);
    }
}

FIRE_AND_FORGET_ENGINE void member_set::stop_waiting_of(const cohort& its) {
    stop_source waiting = no_stop_source();
    {
        const library_lock lock(mutex_);
        waiting = its.timed;
    }
    static_cast<void>(waiting.request_stop());
}

FIRE_AND_FORGET_ENGINE std::uint64_t member_set::cancel_pending() {
    if (!is_in_its_process()) {
        return 0;
    }
    cohort_list::cancellation done;
    {
        const library_lock lock(mutex_);
        done = cohorts_.cancel();
    }
    stop_waiting_of(*done.of);
    return done.many;
}

FIRE_AND_FORGET_ENGINE bool member_set::cancel_for_good() {
    if (!is_in_its_process()) {
        return false;
    }
    cohort_list::cancellation done;
    bool is_any = false;
    {
        const library_lock lock(mutex_);
        done = cohorts_.cancel_for_good();
        is_any = cohorts_.cancelled() > 0;
    }
    stop_waiting_of(*done.of);
    return is_any;
}

FIRE_AND_FORGET_ENGINE scope_stats member_set::snapshot() const {
    scope_stats all;
    if (!is_in_its_process()) {
        return all;
    }
    const library_lock lock(mutex_);
    const cohort::counts its = cohorts_.count();
    all.pending = its.waiting;
    all.running = its.all - its.waiting;
    all.cancelled = cohorts_.cancelled();
    return all;
}

// Waiting -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool member_set::has_gone() const noexcept {
    if (!is_in_its_process()) {
        return false;
    }
    const library_lock lock(mutex_);
    return cohorts_.are_empty();
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void member_set::begin_wait() noexcept {
    if (++waiting_ == 1) {
        cohorts_.set_awaited(true);
    }
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void member_set::end_wait() noexcept {
    if (--waiting_ == 0) {
        cohorts_.set_awaited(false);
    }
}

FIRE_AND_FORGET_ENGINE void member_set::let_last_leave(cohort& its, member_stage at) noexcept {
    quiet_listener* told = nullptr;
    {
        const library_lock lock(mutex_);
        if (its.leave_under_lock(at) && cohorts_.are_empty()) { // COHORT-2
            changed_.notify_all();
            told = std::exchange(listeners_, nullptr);
            if (told != nullptr) {
                end_wait();
            }
        }
    }
    while (told != nullptr) {
        quiet_listener& one = *std::exchange(told, told->next);
        one.tell(one);
    }
}

FIRE_AND_FORGET_ENGINE listening member_set::listen(quiet_listener& one) noexcept {
    if (!is_in_its_process()) {
        return listening::impossible;
    }
    const library_lock lock(mutex_);
    if (listeners_ == nullptr) {
        begin_wait();
    }
    const bool has_to_wait = !cohorts_.are_empty();
    if (has_to_wait) {
        one.next = std::exchange(listeners_, &one);
    } else if (listeners_ == nullptr) {
        end_wait();
    }
    return has_to_wait ? listening::begun : listening::needless;
}

FIRE_AND_FORGET_ENGINE bool member_set::stop_listening(quiet_listener& one) noexcept {
    if (!is_in_its_process()) {
        return false;
    }
    const library_lock lock(mutex_);
    quiet_listener** at = &listeners_;
    while (*at != nullptr && *at != &one) {
        at = &(*at)->next;
    }
    if (*at == nullptr) {
        return false;
    }
    *at = one.next;
    if (listeners_ == nullptr) {
        end_wait();
    }
    return true;
}

FIRE_AND_FORGET_ENGINE quiet_wait::quiet_wait(member_set& of) noexcept : of_(of) {
    const library_lock lock(of_.mutex_);
    of_.begin_wait();
}

FIRE_AND_FORGET_ENGINE quiet_wait::~quiet_wait() {
    if (of_.is_in_its_process()) { // what it has helped with may have forked
        const library_lock lock(of_.mutex_);
        of_.end_wait();
    }
}

FIRE_AND_FORGET_ENGINE bool quiet_wait::is_over() const noexcept {
    const library_lock lock(of_.mutex_);
    return of_.cohorts_.are_empty();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
