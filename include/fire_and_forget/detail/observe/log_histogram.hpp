// SPDX-License-Identifier: MIT
#pragma once

// Durations, counted so that their percentiles are known to a few percent, whatever their range.

#include "../platform/abi.hpp"
#include "../platform/durations.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Eight buckets for each power of two of nanoseconds, up to 18 minutes; what is longer counts as
/// that. Not thread-safe.
class log_histogram {
public:
    void add(std::chrono::nanoseconds time) noexcept {
        const std::uint64_t ns = time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0;
        ++counts_[bucket_of(ns < longest ? ns : longest)];
        ++count_;
        sum_ += ns;
        most_ = ns > most_ ? ns : most_;
    }

    std::uint64_t count() const noexcept { return count_; }
    std::chrono::nanoseconds sum() const noexcept { return time_of(sum_); }
    std::chrono::nanoseconds most() const noexcept { return time_of(most_); }

    /// A time that is not below `share` of all; at most an eighth above the least of which this is
    /// true.
    std::chrono::nanoseconds percentile(double share) const noexcept {
        const double wanted = share * static_cast<double>(count_);
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            below += counts_[i];
            if (below > 0 && static_cast<double>(below) >= wanted) {
                const std::uint64_t end = end_of(i) - 1;
                return time_of(end < most_ ? end : most_);
            }
        }
        return most();
    }

    /// How many are below 2^power nanoseconds.
    std::uint64_t below_power(unsigned power) const noexcept {
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < bucket_of(std::uint64_t{1} << power); ++i) {
            below += counts_[i];
        }
        return below;
    }

private:
    static constexpr unsigned precision = 3; ///< bits behind the first one
    static constexpr std::size_t per_power = std::size_t{1} << precision;
    static constexpr unsigned bits = 40;
    static constexpr std::uint64_t longest = (std::uint64_t{1} << bits) - 1;
    static constexpr std::size_t buckets = (bits - precision + 1) * per_power;

    static std::chrono::nanoseconds time_of(std::uint64_t ns) noexcept {
        return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(ns));
    }

    static constexpr std::size_t bucket_of(std::uint64_t ns) noexcept {
        if (ns < per_power) {
            return static_cast<unsigned>(ns);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(ns)) - precision - 1;
        return (shift + 1) * per_power + (static_cast<unsigned>(ns >> shift) - per_power);
    }

    /// The least that is in the bucket behind it.
    static constexpr std::uint64_t end_of(std::size_t bucket) noexcept {
        if (bucket < per_power) {
            return bucket + 1;
        }
        const std::size_t shift = bucket / per_power - 1;
        return std::uint64_t{per_power + bucket % per_power + 1} << shift;
    }

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t most_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
