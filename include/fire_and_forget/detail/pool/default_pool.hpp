// SPDX-License-Identifier: MIT
#pragma once

// The pool that every process has without making one.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"

#include <atomic>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class pool_door;
class scheduler;

/// Made at its first use in a process, with what it is configured with by then; never destroyed.
pool_door& make_default_pool() noexcept;

inline pool_door& default_pool_door() noexcept {
    pool_door* const at_hand = default_pool_at_hand.load(std::memory_order_acquire);
    return at_hand != nullptr ? *at_hand : make_default_pool();
}

/// What the default pool is made with, in this process and in its children. False
/// if it is too late.
bool configure_default_pool(pool_options settings);

/// `meant`, or in a forked child the default pool of this process if the parent's is meant.
pool_door& pool_here(pool_door& meant) noexcept;

/// What coroutines see of it. They may sleep there where nothing was fired yet.
scheduler& default_scheduler() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
