// SPDX-License-Identifier: MIT
#pragma once

// The quick way into a lane: that of the one a thread has used last. fire.hpp stores plain tasks
// in it.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "../task/closure.hpp"
#include "lanes.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The lane that the thread has used last, of normal priority, and the lanes it is one of.
class lane_at_hand {
public:
    /// If it is one of `meant`.
    [[gnu::always_inline]] explicit lane_at_hand(lane_set* meant) noexcept : of_(meant) {}

    /// After try_begin().
    pool_lane& lane() const noexcept { return *lane_; }
    lane_set& of() const noexcept { return *of_; }

    /// Whether it is, and there is a slot to reserve; it has to be reserved then. False without
    /// memory.
    [[gnu::always_inline]] bool try_begin() noexcept {
        if (!go_inside_from(of_)) { // REENTRY-3
            return false;
        }
        lane_ = this_thread.lane;
        if (lane_->has_room()) [[likely]] {
            return true;
        }
        put_back();
        return false;
    }

    /// For the thread to construct a task in and then publish. After try_begin().
    [[gnu::always_inline]] slot& reserve() const noexcept {
        slot& place = lane_->reserve(); // REENTRY-2
        put_back();
        return place;
    }

    /// A handler of a signal could store a task meanwhile.
    [[gnu::always_inline]] void publish(slot& stored, const task_vtable& type) const {
        if constexpr (counts_in_one_step) {
            lane_->publish(stored, type);
        } else {
            const inside_library counting; // REENTRY-2
            lane_->publish(stored, type);
        }
    }

private:
    [[gnu::always_inline]] void put_back() const noexcept {
        keep_order();
        this_thread.lanes = of_;
    }

    lane_set* of_;
    pool_lane* lane_ = nullptr;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
