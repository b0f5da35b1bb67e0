// SPDX-License-Identifier: MIT
#pragma once

#include "own_threads_door.hpp"

#include "own_threads.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE refusal own_threads_door::accept(task_ptr& task) const {
    return own_threads::instance().accept(task);
}

FIRE_AND_FORGET_ENGINE refusal own_threads_door::start_turn(suspended& turn) const {
    own_threads& all = own_threads::instance();
    const bool is_taken = all.end().is_open_here() && all.resume_soon(turn);
    if (!is_taken) {
        all.note_refused();
    }
    return is_taken ? refusal::none : refusal::shutting_down;
}

FIRE_AND_FORGET_ENGINE scheduler& own_threads_door::home() const noexcept {
    return own_threads::instance();
}

FIRE_AND_FORGET_ENGINE void own_threads_door::note_refused() const noexcept {
    own_threads::instance().note_refused();
}

FIRE_AND_FORGET_ENGINE void own_threads_door::set_limit(std::size_t most) const noexcept {
    own_threads::set_limit(most);
}

FIRE_AND_FORGET_ENGINE void own_threads_door::set_stack_size(std::size_t bytes) const noexcept {
    own_threads::set_stack_size(bytes);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
