// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "pool_lane.hpp"

#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE lane_list::~lane_list() {
    for (pool_lane* lane = first_.load(std::memory_order_relaxed); lane != nullptr;) {
        delete std::exchange(lane, lane->next);
    }
    for (lane_group* group = groups_.load(std::memory_order_relaxed); group != nullptr;) {
        delete std::exchange(group, group->next);
    }
}

FIRE_AND_FORGET_ENGINE pool_lane* lane_list::add(pool_lane::use how) noexcept {
    auto* const fresh = new (std::nothrow) pool_lane;
    lane_group* const group = fresh != nullptr && fresh->prepare() ? group_with_room() : nullptr;
    if (group == nullptr) {
        delete fresh;
        return nullptr;
    }
    const unsigned number = count_++ % lane_group::size;
    group->lanes[number] = fresh;
    fresh->how = how;
    fresh->group = group;
    fresh->bit = std::uint64_t{1} << number;
    fresh->next = first_.load(std::memory_order_relaxed);
    first_.store(fresh, std::memory_order_release); // LANES-1
    fresh->rouse();
    return fresh;
}

FIRE_AND_FORGET_ENGINE lane_group* lane_list::group_with_room() noexcept {
    lane_group* group = groups_.load(std::memory_order_relaxed);
    if (count_ % lane_group::size == 0) {
        auto* const fresh = new (std::nothrow) lane_group;
        if (fresh != nullptr) {
            fresh->next = group;
            groups_.store(fresh, std::memory_order_release); // LANES-1
            stress_point();
        }
        group = fresh;
    }
    return group;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
