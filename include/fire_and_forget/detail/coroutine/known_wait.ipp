// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/scheduler.hpp"
#include "chain.hpp"
#include "known_wait.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool known_wait::depart(chain& waiting) noexcept {
    const held_home place = waiting.next_on();
    coroutine = &waiting;
    is_refused_ = !waiting.depart_to(place);
    if (!is_refused_) {
        kept = place;
        kept->keep_scheduler(); // until go_on() or stay() has used it
    }
    return !is_refused_;
}

FIRE_AND_FORGET_ENGINE bool known_wait::enter(chain& waiting,
                                              function_ref<bool()> may_wait) noexcept {
    is_refused_ = true;
    return waiting.on()->books.enter_wait(*this, [&] {
        is_refused_ = false;
        return may_wait();
    });
}

FIRE_AND_FORGET_ENGINE void known_wait::stay(chain& waiting, scheduler* before) noexcept {
    scheduler* const departed_to = kept;
    waiting.stay_on(before);
    departed_to->release_scheduler();
}

FIRE_AND_FORGET_ENGINE void known_wait::go_on(continuation how) {
    auto& resumed = static_cast<chain&>(*coroutine);
    scheduler* const on = resumed.on();
    on->books.leave_wait(*this, how == continuation::by_executor ? resumed.leave_home() : nullptr);
    const auto left = [on] {
        on->books.note_wait_ended();
        on->notice_end();
        on->release_scheduler();
    };
    if (how == continuation::by_executor || !resumed.go_on_here(*on, left)) {
        resumed.go_on_from(*on);
        left();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
