// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "membership.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

// Members -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool cohort::begin() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    do {
        if ((now & cancelled) != 0) {
            return false;
        }
    } while (!word_.compare_exchange_weak(now, now - waiting, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)); // COHORT-1
    return true;
}

FIRE_AND_FORGET_ENGINE bool cohort::begin_again_later() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    do {
        if ((now & cancelled) != 0) {
            return false;
        }
    } while (!word_.compare_exchange_weak(now, now + waiting, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)); // COHORT-1
    return true;
}

FIRE_AND_FORGET_ENGINE void cohort::leave(member_stage at) noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    do {
        if ((now & awaited) != 0 && (now & all) == one) { // COHORT-2
            set.let_last_leave(*this, at);
            return;
        }
        stress_point();
    } while (!word_.compare_exchange_weak(now, less_by(at, now),
                                          std::memory_order_release, // COHORT-5
                                          std::memory_order_relaxed));
}

// The set -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool cohort::leave_under_lock(member_stage at) noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(now, less_by(at, now), std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
    }
    return (less_by(at, now) & all) == 0;
}

FIRE_AND_FORGET_ENGINE std::uint32_t cohort::cancel() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(now, (now & ~all_waiting) | cancelled,
                                        std::memory_order_acq_rel, std::memory_order_relaxed)) {
    }
    return waiting_in(now);
}

FIRE_AND_FORGET_ENGINE bool cohort::try_renew() noexcept {
    std::uint64_t now = word_.load(std::memory_order_relaxed);
    return (now & (all | all_waiting)) == 0 &&
           word_.compare_exchange_strong(now, now & awaited, std::memory_order_acq_rel,
                                         std::memory_order_relaxed); // COHORT-4
}

FIRE_AND_FORGET_ENGINE void cohort::set_awaited(bool is_awaited) noexcept {
    if (is_awaited) {
        word_.fetch_or(awaited, std::memory_order_acq_rel);
    } else {
        word_.fetch_and(~awaited, std::memory_order_acq_rel);
    }
}

// What runs here ----------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE stop_token member_frame::token() const {
    if (own == nullptr || !own->stop_possible()) {
        return set->token();
    }
    if (*both == nullptr) {
        *both = std::make_unique<linked_stop_source>(*own, set->token());
    }
    return (*both)->get_token();
}

FIRE_AND_FORGET_ENGINE bool is_among(const task_set& set, const member_frame* innermost) noexcept {
    while (innermost != nullptr && innermost->set != &set &&
           !inside_a_member_of(set, innermost->awaited_in)) {
        innermost = innermost->outer;
    }
    return innermost != nullptr;
}

FIRE_AND_FORGET_ENGINE bool inside_a_member_of(const task_set& set,
                                               const task_frame* task) noexcept {
    while (task != nullptr && !is_among(set, task->members)) {
        task = task->outer;
    }
    return task != nullptr;
}

FIRE_AND_FORGET_ENGINE bool inside_a_member_of(const task_set& set) noexcept {
    return inside_a_member_of(set, this_thread.running);
}

FIRE_AND_FORGET_ENGINE bool runs_a_member_of(const task_set& set) noexcept {
    return this_thread.running != nullptr && is_among(set, this_thread.running->members);
}

FIRE_AND_FORGET_ENGINE awaited_inside::awaited_inside(const task_frame* by_thread,
                                                      const member_frame* by_members) noexcept
    : is_any_(by_thread != nullptr || by_members != nullptr) {
    if (!is_any_) {
        return;
    }
    both_.outer = by_members;
    both_.awaited_in = by_thread;
    frame_.members = &both_;
    enter_uncounted(frame_);
}

FIRE_AND_FORGET_ENGINE awaited_inside::~awaited_inside() {
    if (is_any_) {
        this_thread.running = frame_.outer;
    }
}

FIRE_AND_FORGET_ENGINE end_of_member::end_of_member(const member_frame* of) noexcept {
    frame_.members = of;
    enter_uncounted(frame_);
}

FIRE_AND_FORGET_ENGINE void kept_membership::keep(const member_frame& of, bool repeats) noexcept {
    held = repeats ? membership::of_begun(of.held->its()) : std::move(*of.held);
    if (of.both != nullptr) {
        own = *of.own;
        both = std::move(*of.both);
    }
    frame = {of.set, &held, outer != nullptr ? &outer->frame : nullptr, &own, &both};
}

FIRE_AND_FORGET_ENGINE std::unique_ptr<kept_membership>
keep_memberships(const member_frame* innermost, bool repeats) {
    std::unique_ptr<kept_membership> first;
    std::unique_ptr<kept_membership>* end = &first;
    for (const member_frame* one = innermost; one != nullptr; one = one->outer) {
        *end = std::make_unique<kept_membership>();
        end = &(*end)->outer;
    }
    kept_membership* kept = first.get();
    for (const member_frame* one = innermost; one != nullptr; one = one->outer) {
        kept->keep(*one, repeats);
        kept = kept->outer.get();
    }
    return first;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
