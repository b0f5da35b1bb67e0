// SPDX-License-Identifier: MIT
#pragma once

// What ../../async_mutex.hpp and ../../async_semaphore.hpp count: how many may go on before one has
// to wait.

#include "../platform/abi.hpp"
#include "../platform/spin_lock.hpp"
#include "wait_queue.hpp"

#include <cstddef>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariant  PERMITS-1  While somebody waits, none is free: one that is given back goes to who has
///                       waited longest, and nobody overtakes him.
class permits {
public:
    explicit permits(std::ptrdiff_t free) noexcept : free_(free) {}

    bool try_take() noexcept {
        const std::lock_guard held(lock_);
        return take();
    }

    void give_back(std::ptrdiff_t many = 1);

    std::ptrdiff_t free() const noexcept {
        const std::lock_guard held(lock_);
        return free_;
    }

private:
    friend class queue_wait<permits>;

    bool take() noexcept {
        const bool is_any = free_ > 0;
        free_ -= is_any ? 1 : 0;
        return is_any;
    }

    mutable spin_lock lock_;
    std::ptrdiff_t free_;
    wait_queue waiting_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
