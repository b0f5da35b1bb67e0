// SPDX-License-Identifier: MIT
#pragma once

// How a thread finds its lanes among those of a pool, and hands them on when it ends. The front door
// comes here with the first task of a thread; after that the lane is at hand.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/thread_end.hpp"
#include "../platform/thread_state.hpp"
#include "lane_table.hpp"
#include "lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Gives a thread's lanes back when the thread ends.
inline void give_lanes_back() noexcept {
    this_thread.lanes = nullptr;
    this_thread.lane = nullptr;
    this_thread.has_given_lanes_back = true;
    delete std::exchange(this_thread.all_lanes, nullptr);
}

/// Lets go of the pools that are gone, if any has gone since the last time.
inline void let_go_of_retired(lane_table& held, lane_set*& at_hand) noexcept {
    const std::uint32_t gone = lane_set::retired_so_far();
    if (gone == held.gone_by_then) {
        return;
    }
    bool is_one_in_use = false;
    held.take_out_if([&](const lanes_of_thread& one) {
        const bool is_retired = one.of->is_retired();
        const bool is_in_use = is_retired && one.is_any_in_use();
        is_one_in_use = is_one_in_use || is_in_use;
        if (is_retired && !is_in_use && at_hand == one.of) {
            at_hand = nullptr;
        }
        return is_retired && !is_in_use;
    });
    if (!is_one_in_use) {
        held.gone_by_then = gone;
    }
}

/// What this thread holds of `set`, new if need be; null without memory. Pools that are gone are
/// let go of on the way. From inside.
inline lanes_of_thread* lanes_of_this_thread(lane_set& set, lane_set*& at_hand) noexcept {
    if (this_thread.all_lanes == nullptr) {
        this_thread.all_lanes = new (std::nothrow) lane_table;
        if (this_thread.all_lanes == nullptr) {
            return nullptr;
        }
        call_at_thread_end<&give_lanes_back>();
        signal_heir::instance().watch_this_thread();
    }
    lane_table& held = *this_thread.all_lanes;
    let_go_of_retired(held, at_hand);
    lanes_of_thread* found = held.find(set);
    if (found == nullptr) {
        found = new (std::nothrow) lanes_of_thread{&set, {}, nullptr, {}};
        if (found != nullptr) {
            set.keep();
            held.insert(*found);
        }
    }
    return found;
}

/// A lane for the calling thread, of one priority in one pool, for as long as this lives: its own;
/// or a borrowed one while the thread is ending, or while it is storing a task in its own: a handler
/// of a signal or a sink may fire meanwhile.
class lane_of_this_thread {
public:
    lane_of_this_thread(lane_set& set, priority level) noexcept : set_(set), level_(level) {
        inside_library changing;
        if (!this_thread.has_given_lanes_back) {
            held_ = lanes_of_this_thread(set, changing.at_hand);
        }
        if (held_ != nullptr && std::exchange(is_in_use(), true)) {
            held_ = nullptr;
        }
        if (held_ == nullptr) {
            set.keep();
            lane_ = set.lend(level);
            return;
        }
        pool_lane*& own = held_->lanes[static_cast<std::size_t>(level)];
        if (own == nullptr) {
            own = set.lend(level);
        }
        lane_ = own;
        if (changing.at_hand == &set) {
            changing.at_hand = nullptr; // until it is at hand again
        }
    }
    ~lane_of_this_thread() {
        if (generation_ != generation_here()) {
            return; // copying a task has forked: in the child this thread has no lanes
        }
        inside_library changing;
        if (held_ == nullptr) {
            if (lane_ != nullptr) {
                set_.take_back(*lane_, level_);
            }
            set_.release();
            return;
        }
        is_in_use() = false;
        if (pool_lane* const normal = held_->lanes[static_cast<std::size_t>(priority::normal)];
            normal != nullptr && !held_->is_in_use[static_cast<std::size_t>(priority::normal)]) {
            changing.at_hand = &set_;
            this_thread.lane = normal;
        }
    }
    lane_of_this_thread(const lane_of_this_thread&) = delete;
    lane_of_this_thread& operator=(const lane_of_this_thread&) = delete;

    pool_lane* get() const noexcept { return lane_; }

private:
    bool& is_in_use() noexcept { return held_->is_in_use[static_cast<std::size_t>(level_)]; }

    lane_set& set_;
    const priority level_;
    const std::uint32_t generation_ = generation_here();
    lanes_of_thread* held_ = nullptr;
    pool_lane* lane_ = nullptr;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
