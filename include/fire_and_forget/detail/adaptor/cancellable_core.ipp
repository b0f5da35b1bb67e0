// SPDX-License-Identifier: MIT
#pragma once

#include "cancellable_core.hpp"

#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/reentry.hpp"
#include "../submit/firing.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE cancellable_core::cancellable_core(const any_core& on)
    : home_(on.home()), scope_(on) {
    if (home_ != nullptr) {
        home_->keep_scheduler();
    }
    tell = [](quiet_listener& self) {
        const auto last = std::move(static_cast<cancellable_core&>(self).held_);
    };
}

FIRE_AND_FORGET_ENGINE cancellable_core::~cancellable_core() {
    if (home_ != nullptr) {
        home_->release_scheduler();
    }
}

FIRE_AND_FORGET_ENGINE std::shared_ptr<cancellable_core>
cancellable_core::fire(const any_core& on, const untyped_call& call, submission& answer) {
    std::shared_ptr<cancellable_core> fresh;
    refusal why = is_inside_library() ? refusal::in_signal_handler : refusal::none;
    if (why == refusal::none) {
        attempt(
            [&] {
                constexpr library_allocator<cancellable_core> inside;
                fresh = std::allocate_shared<cancellable_core>(inside, on);
            },
            [&] {
                why = make_firing(call.given, on.refused_to(), call.where)
                          .refuse_for_exception(refusal::out_of_memory);
            });
    }
    if (why != refusal::none) {
        on.note_refused();
        answer = submission(why);
        return nullptr;
    }
    answer = fresh->scope_.fire(call);
    if (!answer) {
        return nullptr;
    }
    fresh->hold_until_done(fresh);
    return fresh;
}

FIRE_AND_FORGET_ENGINE void
cancellable_core::hold_until_done(const std::shared_ptr<cancellable_core>& self) {
    held_ = self;
    if (scope_.members().listen(*this) != listening::begun) {
        held_.reset(); // it has run, or was dropped
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
