// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "lane_search.hpp"
#include "lanes.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE pool_lane* lane_search::after(const pool_lane* lane,
                                                     pool_lane* first) noexcept {
    return lane->next != nullptr ? lane->next : first;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
