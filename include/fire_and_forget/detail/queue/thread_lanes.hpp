// SPDX-License-Identifier: MIT
#pragma once

// How a thread finds its lanes among those of a pool, and hands them on when it ends. The front
// door comes here with the first task of a thread; after that the lane is at hand.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/thread_state.hpp"
#include "lane_table.hpp"
#include "lanes.hpp"
#include "nest.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Gives a thread's lanes back when the thread ends.
void give_lanes_back() noexcept;

/// Lets go of the pools that are gone, if any has gone since the last time.
void let_go_of_retired(lane_table& held, lane_set*& at_hand) noexcept;

/// What this thread holds of `set`, new if need be; null without memory. Pools that are gone are
/// let go of on the way. From inside.
lanes_of_thread* lanes_of_this_thread(lane_set& set, lane_set*& at_hand) noexcept;

/// What the tasks of a worker fire goes to its nest, as long as this lives, on its thread.
class nesting {
public:
    nesting(lane_set& set, nest& its) noexcept;
    ~nesting();
    nesting(const nesting&) = delete;
    nesting& operator=(const nesting&) = delete;

private:
    lane_set& set_;
    nest& its_;
    const std::uint32_t generation_ = generation_here();
};

/// A worker begins another task: the lane of its nest that is now for what it fires is at hand.
void take_at_hand(lane_set& set, nest& its) noexcept;

/// A lane for the calling thread, of one priority in one pool, for as long as this lives: its own;
/// or a borrowed one while the thread is ending, or while it is storing a task in its own: a
/// handler of a signal or a sink may fire meanwhile.
class lane_of_this_thread {
public:
    /// Where there is a nest, whether it is meant.
    enum class where : std::uint8_t { nested, in_turn };

    lane_of_this_thread(lane_set& set, priority level, where meant = where::nested) noexcept;
    ~lane_of_this_thread();
    lane_of_this_thread(const lane_of_this_thread&) = delete;
    lane_of_this_thread& operator=(const lane_of_this_thread&) = delete;

    pool_lane* get() const noexcept { return lane_; }

private:
    bool& is_in_use() noexcept { return held_->is_in_use[static_cast<std::size_t>(level_)]; }
    pool_lane* own(where meant) const noexcept;

    lane_set& set_;
    const priority level_;
    const std::uint32_t generation_ = generation_here();
    lanes_of_thread* held_ = nullptr;
    pool_lane* lane_ = nullptr;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
