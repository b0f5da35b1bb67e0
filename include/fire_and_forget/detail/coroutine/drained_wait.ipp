// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../task/member_frame.hpp"
#include "../task/task_set.hpp"
#include "chain.hpp"
#include "drained_wait.hpp"
#include "outside_wait.hpp"
#include "thrown.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE drained_event::drained_event() noexcept {
    tell = [](quiet_listener& self) {
        auto& event = static_cast<drained_event&>(self);
        if (event.try_claim()) {
            event.settle();
        }
        event.release();
    };
}

FIRE_AND_FORGET_ENGINE drained_wait::drained_wait(chain& of, task_set& set,
                                                  bool is_in_member) noexcept
    : of_(of), set_(set),
      is_in_member_(is_in_member || runs_a_member_of(set) || of.is_awaited_in(set)) {}

FIRE_AND_FORGET_ENGINE bool drained_wait::await_ready() {
    if (is_in_member_) {
        return true;
    }
    auto* const event = new drained_event;
    event->keep();
    const listening came_to = set_.listen(*event);
    if (came_to != listening::begun) {
        event->release();
        event->release();
        is_elsewhere_ = came_to == listening::impossible;
        return true;
    }
    event_ = event;
    return false;
}

FIRE_AND_FORGET_ENGINE bool drained_wait::leave(chain& leaving, void* self) {
    auto& wait = *static_cast<drained_wait*>(self);
    if (leaving.ends_waits_on_stop()) {
        wait.wait_.end_on_stop_of(leaving, *wait.event_);
    }
    return wait.wait_.leave(leaving, *wait.event_);
}

FIRE_AND_FORGET_ENGINE void drained_wait::await_resume() {
    if (is_in_member_) {
        throw_misuse("a task of the faf::task_scope awaits its drained(), and so itself");
    }
    const bool is_cut_short = wait_.has_been_stopped() || wait_.is_refused();
    end_listening();
    if (is_cut_short || is_elsewhere_) {
        throw_cancelled();
    }
}

/// A set that has told may be gone.
FIRE_AND_FORGET_ENGINE void drained_wait::end_listening() noexcept {
    drained_event* const event = std::exchange(event_, nullptr);
    if (event == nullptr) {
        return;
    }
    if (!event->is_settled() && set_.stop_listening(*event)) {
        event->release();
    }
    event->release();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
