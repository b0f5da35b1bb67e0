// SPDX-License-Identifier: MIT
#pragma once

// How long something took, many times over.

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace market {

/// Counts durations in buckets that grow with them: 16 for each doubling. So it is as big after a
/// billion entries as after one, and what it tells is at most 1/16 too high. `max()` is exact.
class latency_histogram {
public:
    void add(std::chrono::nanoseconds taken) {
        const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(taken.count(), 0));
        ++buckets_[bucket_of(ns)];
        ++total_;
        max_ = std::max(max_, ns);
    }

    /// The time in nanoseconds that `share` of the entries did not exceed; 0 without entries.
    std::uint64_t percentile(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen > wanted) {
                return std::min(top_of(i), max_);
            }
        }
        return max_;
    }

    latency_histogram& operator+=(const latency_histogram& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            buckets_[i] += other.buckets_[i];
        }
        total_ += other.total_;
        max_ = std::max(max_, other.max_);
        return *this;
    }

    /// How many took no longer than that.
    std::uint64_t up_to(std::uint64_t ns) const {
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size() && std::min(top_of(i), max_) <= ns; ++i) {
            seen += buckets_[i];
        }
        return seen;
    }

    std::uint64_t max() const { return max_; }
    std::uint64_t total() const { return total_; }
    bool empty() const { return total_ == 0; }

private:
    // Below 32 each nanosecond has its bucket; above, the five leading bits choose it.

    static std::size_t bucket_of(std::uint64_t ns) {
        const int shift = std::max(static_cast<int>(std::bit_width(ns)) - 5, 0);
        return static_cast<std::size_t>(shift) * 16 + static_cast<std::size_t>(ns >> shift);
    }

    static std::uint64_t top_of(std::size_t bucket) {
        const std::size_t shift = bucket < 32 ? 0 : bucket / 16 - 1;
        return ((static_cast<std::uint64_t>(bucket - shift * 16) + 1) << shift) - 1;
    }

    std::array<std::uint64_t, 60 * 16 + 16> buckets_{};
    std::uint64_t total_ = 0;
    std::uint64_t max_ = 0;
};

} // namespace market
