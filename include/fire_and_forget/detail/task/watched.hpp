// SPDX-License-Identifier: MIT
#pragma once

// What waits for its time and may be asked to stop meanwhile, as who asks it knows it.
// asked_list.hpp has those that have been asked.

#include "../platform/abi.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct timer_node;

/// An item that may be asked to stop while it waits, as it is known to whoever asks.
struct watched {
    explicit watched(timer_node& waiting) noexcept : item(waiting) {}
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

    timer_node& item;

    // The list's.
    watched* next = nullptr; ///< null when it is not there
    watched* previous = nullptr;
    bool is_armed = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
