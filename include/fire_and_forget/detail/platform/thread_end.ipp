// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "thread_end.hpp"
#include "thread_state.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void begin_thread() noexcept {
    this_thread.knows_its_kind = this_thread.takes_last_steps = true;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void take_last_steps() noexcept {
    this_thread.takes_last_steps = false;
    for (auto& place : this_thread.last_steps) {
        if (auto* const step = std::exchange(place, nullptr)) {
            step();
        }
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
