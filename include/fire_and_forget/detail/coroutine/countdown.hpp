// SPDX-License-Identifier: MIT
#pragma once

// What ../../async_latch.hpp counts.

#include "../platform/abi.hpp"
#include "../platform/spin_lock.hpp"
#include "wait_queue.hpp"

#include <cstddef>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Has those go on who wait when it comes to zero, and whoever comes later.
class countdown {
public:
    explicit countdown(std::ptrdiff_t left) noexcept : left_(left) {}

    bool try_take() noexcept {
        const std::lock_guard held(lock_);
        return take();
    }

    void count(std::ptrdiff_t many);

private:
    friend class queue_wait<countdown>;

    bool take() const noexcept { return left_ <= 0; }
    static void give_back() noexcept {} // there is enough for all

    spin_lock lock_;
    std::ptrdiff_t left_;
    wait_queue waiting_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
