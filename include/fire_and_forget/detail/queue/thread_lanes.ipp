// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/thread_end.hpp"
#include "../platform/thread_state.hpp"
#include "lane_table.hpp"
#include "lanes.hpp"
#include "nest.hpp"
#include "thread_lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void give_lanes_back() noexcept {
    this_thread.lanes = nullptr;
    this_thread.lane = nullptr;
    this_thread.has_given_lanes_back = true;
    delete std::exchange(this_thread.all_lanes, nullptr);
}

FIRE_AND_FORGET_ENGINE void let_go_of_retired(lane_table& held, lane_set*& at_hand) noexcept {
    const std::uint32_t gone = lane_set::retired_so_far();
    if (gone == held.gone_by_then || at_hand == no_entry()) {
        return; // in the second case who is inside knows what is at hand
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

FIRE_AND_FORGET_ENGINE lanes_of_thread* lanes_of_this_thread(lane_set& set,
                                                             lane_set*& at_hand) noexcept {
    if (this_thread.all_lanes == nullptr) {
        this_thread.all_lanes = new (std::nothrow) lane_table;
        if (this_thread.all_lanes == nullptr) {
            return nullptr;
        }
        call_at_thread_end<&give_lanes_back, &thread_state::all_lanes>();
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

/// The lane for plain tasks, once it has been lent.
inline pool_lane* lane_for_tasks(const lanes_of_thread& held) noexcept {
    return held.nested != nullptr ? held.nested->now()
                                  : held.lanes[static_cast<std::size_t>(priority::normal)];
}

FIRE_AND_FORGET_ENGINE nesting::nesting(lane_set& set, nest& its) noexcept : set_(set), its_(its) {
    inside_library changing;
    if (lanes_of_thread* const held = lanes_of_this_thread(set, changing.at_hand)) {
        held->nested = &its;
    } // else it goes without
    changing.at_hand = nullptr;
}

FIRE_AND_FORGET_ENGINE nesting::~nesting() {
    if (generation_ != generation_here()) {
        return; // a task has forked: in the child this thread has no lanes
    }
    inside_library changing;
    if (this_thread.all_lanes != nullptr) {
        if (lanes_of_thread* const held = this_thread.all_lanes->find(set_)) {
            held->nested = nullptr;
        }
    }
    if (changing.at_hand == &set_) {
        changing.at_hand = nullptr;
    }
    its_.give_back([this](pool_lane& lane) { set_.take_back_nested(lane); });
}

FIRE_AND_FORGET_ENGINE void take_at_hand(lane_set& set, nest& its) noexcept {
    inside_library changing;
    if (pool_lane* const now = its.now()) {
        this_thread.lane = now;
        changing.at_hand = &set;
    } else if (changing.at_hand == &set) {
        changing.at_hand = nullptr;
    }
}

FIRE_AND_FORGET_ENGINE pool_lane* lane_of_this_thread::own(where meant) const noexcept {
    const bool is_nested =
        held_->nested != nullptr && level_ == priority::normal && meant == where::nested;
    pool_lane*& lane =
        is_nested ? held_->nested->now() : held_->lanes[static_cast<std::size_t>(level_)];
    if (lane == nullptr) {
        lane = is_nested ? set_.lend_nested() : set_.lend(level_);
    }
    return lane;
}

FIRE_AND_FORGET_ENGINE lane_of_this_thread::lane_of_this_thread(lane_set& set, priority level,
                                                                where meant) noexcept
    : set_(set), level_(level) {
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
    lane_ = own(meant);
    if (changing.at_hand == &set) {
        changing.at_hand = nullptr; // until it is at hand again
    }
}

FIRE_AND_FORGET_ENGINE lane_of_this_thread::~lane_of_this_thread() {
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
    if (pool_lane* const normal = lane_for_tasks(*held_);
        normal != nullptr && changing.at_hand != no_entry() &&
        !held_->is_in_use[static_cast<std::size_t>(priority::normal)]) {
        changing.at_hand = &set_;
        this_thread.lane = normal;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
