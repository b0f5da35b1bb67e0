// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "reentry.hpp"
#include "thread_state.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE lane_set* no_entry() noexcept {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): only compared
    return reinterpret_cast<lane_set*>(std::uintptr_t{1});
}

FIRE_AND_FORGET_ENGINE inside_library::inside_library() noexcept
    : at_hand(std::exchange(this_thread.lanes, no_entry())) {
    keep_order();
}

FIRE_AND_FORGET_ENGINE inside_library::~inside_library() {
    keep_order();
    this_thread.lanes = at_hand;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
