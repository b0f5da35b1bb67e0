// SPDX-License-Identifier: MIT
#pragma once

#include "cohort_list.hpp"

#include "../platform/stop_token.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void cohort_list::free_all() noexcept {
    while (list_ != nullptr) {
        cohort* const gone = std::exchange(list_, list_->next);
        if (gone != &first_) {
            delete gone;
        }
    }
}

FIRE_AND_FORGET_ENGINE membership cohort_list::enter() noexcept {
    for (;;) {
        if (cohort* const now = current_.load(std::memory_order_acquire); now->try_enter()) {
            return membership(*now);
        }
    }
}

FIRE_AND_FORGET_ENGINE cohort_list::cancellation cohort_list::cancel() {
    cohort& fresh = next();
    const cancellation result = cancel_for_good();
    current_.store(&fresh, std::memory_order_release); // COHORT-4
    return result;
}

FIRE_AND_FORGET_ENGINE cohort_list::cancellation cohort_list::cancel_for_good() noexcept {
    const std::uint32_t many = current().cancel();
    cancelled_ += many;
    return {&current(), many};
}

/// One that is empty.
FIRE_AND_FORGET_ENGINE cohort& cohort_list::next() {
    for (cohort* one = list_; one != nullptr; one = one->next) {
        if (one != &current() && one->try_renew()) {
            one->timed = no_stop_source();
            one->has_timed = false;
            return *one;
        }
    }
    auto* const fresh = new cohort(first_.set);
    fresh->set_awaited(are_awaited_);
    fresh->next = std::exchange(list_, fresh);
    return *fresh;
}

FIRE_AND_FORGET_ENGINE bool cohort_list::are_empty() const noexcept {
    const cohort& now = current();
    for (const cohort* one = list_; one != nullptr; one = one->next) {
        if (one != &now && !one->is_empty()) {
            return false;
        }
    }
    return now.is_empty() && sinks_.is_empty();
}

FIRE_AND_FORGET_ENGINE cohort::counts cohort_list::count() const noexcept {
    cohort::counts all{0, 0};
    for (const cohort* one = list_; one != nullptr; one = one->next) {
        const cohort::counts its = one->count();
        all.all += its.all;
        all.waiting += its.waiting;
    }
    return all;
}

FIRE_AND_FORGET_ENGINE void cohort_list::set_awaited(bool are_awaited) noexcept {
    are_awaited_ = are_awaited;
    for (cohort* one = list_; one != nullptr; one = one->next) {
        one->set_awaited(are_awaited);
    }
    sinks_.set_awaited(are_awaited);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
