// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "branches.hpp"
#include "chain.hpp"
#include "fired_coroutine.hpp"
#include "outside_wait.hpp"

#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void branch_group::note_result(std::size_t number, branch_end how) {
    if (when_ == stops_others::by_no_end ||
        (when_ == stops_others::by_failure && how == branch_end::succeeded)) {
        return;
    }
    std::size_t nobody = none;
    if (first_.compare_exchange_strong(nobody, number, std::memory_order_relaxed)) {
        kept_stop_source kept{stop_source(*stops)}; // its callbacks may end the last of them
        kept.request_stop();
    }
}

FIRE_AND_FORGET_ENGINE void branch_group::note_end() {
    // acq_rel: the last one must see what the others did, and hands it on.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1 && try_claim()) {
        settle();
    }
}

FIRE_AND_FORGET_ENGINE void branches_wait::open(std::size_t many) {
    forget();
    group_ = new branch_group(many, when_);
    token_ = of_.own_token();
    if (when_ != stops_others::by_no_end) {
        group_->stops.emplace(new_stop_source());
        if (token_.stop_possible()) {
            group_->either.emplace(token_, group_->stops->get_token());
            token_ = group_->either->get_token();
        } else {
            token_ = group_->stops->get_token();
        }
    }
}

FIRE_AND_FORGET_ENGINE bool branches_wait::leave_after_start() {
    return wait_.leave(of_, *group_);
}

FIRE_AND_FORGET_ENGINE void branches_wait::tell(const std::exception_ptr& why) const {
    if (why != nullptr && !is_cancellation(why)) {
        of_.report_beside(why);
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
