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

    verdict admit(const error_report& report, clock::time_point now) noexcept;

    /// Takes the count of one place that has any; 0 when there is none.
    unseen take_unseen() noexcept;

private:
    struct entry {
        unseen held;
        int admitted = 0;
        clock::time_point opened{};
        clock::time_point last{};
    };

    entry& find(const error_report& report, clock::time_point now, unseen& evicted) noexcept;

    entry entries_[places]{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
