// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "describe.hpp"
#include "rate_limiter.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE rate_limiter::verdict
rate_limiter::admit(const error_report& report, clock::time_point now) noexcept {
    verdict result;
    entry& place = find(report, now, result.evicted);
    if (now - place.opened >= window) {
        place.opened = now;
        place.admitted = 0;
    }
    place.last = now;
    result.admitted = place.admitted < burst;
    if (result.admitted) {
        ++place.admitted;
        result.suppressed = std::exchange(place.held.count, 0);
    } else {
        place.held.count += 1 + report.suppressed;
    }
    return result;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE rate_limiter::unseen rate_limiter::take_unseen() noexcept {
    for (entry& place : entries_) {
        if (place.held.count > 0) {
            return std::exchange(place.held, {place.held.where, place.held.kind, 0});
        }
    }
    return {};
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE rate_limiter::entry&
rate_limiter::find(const error_report& report, clock::time_point now, unseen& evicted) noexcept {
    entry* oldest = entries_;
    for (entry& place : entries_) {
        if (place.held.kind == report.kind && is_same_place(place.held.where, report.where)) {
            return place;
        }
        if (place.last < oldest->last) {
            oldest = &place;
        }
    }
    evicted = oldest->held;
    *oldest = {{report.where, report.kind, 0}, 0, now, now};
    return *oldest;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
