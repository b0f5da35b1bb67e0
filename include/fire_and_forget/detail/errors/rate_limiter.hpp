// SPDX-License-Identifier: MIT
#pragma once

// Keeps one place that fails over and over from flooding a log. stderr_sink.hpp asks it before it
// writes. No clock of its own, no memory beyond itself, not thread-safe.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Lets through what one place reports of one kind up to `burst` times within `window`, and counts
/// the rest; the count goes with the next report that it lets through, or with flush(). When there
/// are more places than it has room for, the one that was heard of longest ago gives way.
class rate_limiter {
public:
    using clock = steady_clock;
    static constexpr int burst = 5;
    static constexpr std::chrono::seconds window{1};
    static constexpr std::size_t places = 64;

    /// What happened at a place, and to how many tasks it did unseen.
    struct unseen {
        call_site where;
        failure kind{};
        std::uint64_t count = 0;
    };

    struct verdict {
        bool admitted = true;
        std::uint64_t suppressed = 0; ///< reports from the same place that were held back before
        unseen evicted;               ///< a place that had to give way
    };

    verdict admit(const error_report& report, clock::time_point now) noexcept {
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

    /// Takes the count of one place that has any; 0 when there is none.
    unseen take_unseen() noexcept {
        for (entry& place : entries_) {
            if (place.held.count > 0) {
                return std::exchange(place.held, {place.held.where, place.held.kind, 0});
            }
        }
        return {};
    }

private:
    struct entry {
        unseen held;
        int admitted = 0;
        clock::time_point opened{};
        clock::time_point last{};
    };

    entry& find(const error_report& report, clock::time_point now, unseen& evicted) noexcept {
        entry* oldest = entries_;
        for (entry& place : entries_) {
            if (place.held.kind == report.kind && place.held.where.line() == report.where.line() &&
                std::string_view(place.held.where.file_name()) == report.where.file_name()) {
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

    entry entries_[places]{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
