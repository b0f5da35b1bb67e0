// SPDX-License-Identifier: MIT
#pragma once

// Single measurements, told by rank: the mean would hide what the unlucky callers pay.

#include "ask.hpp"
#include "ticks.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

namespace faf_bench {

/// The sample that `share` of all do not exceed. Reorders them.
template <class Sample>
Sample rank(std::vector<Sample>& samples, double share) {
    const auto place = static_cast<std::ptrdiff_t>(
        std::ceil(share * static_cast<double>(samples.size()) - 1e-6) - 1);
    std::nth_element(samples.begin(), samples.begin() + place, samples.end());
    return samples[static_cast<std::size_t>(place)];
}

inline double rank_ns(std::vector<ticks>& samples, double share, const tick_scale& scale) {
    return static_cast<double>(rank(samples, share)) * scale.ns_per_tick;
}

inline void tell_percentiles(const answer& tell, const std::string& prefix,
                             std::vector<ticks>& samples, const tick_scale& scale) {
    for (const auto& [name, share] :
         {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}, std::pair{"p99.9", 0.999},
          std::pair{"p99.99", 0.9999}, std::pair{"max", 1.0}}) {
        tell(prefix + name, rank_ns(samples, share, scale), "ns");
    }
}

using delay = std::chrono::nanoseconds; ///< less than nothing: too early

template <class Unit>
double in(delay taken) {
    return std::chrono::duration<double, Unit>(taken).count();
}

template <class Unit>
constexpr const char* unit_name = "ns";
template <>
inline constexpr const char* unit_name<std::micro> = "us";
template <>
inline constexpr const char* unit_name<std::milli> = "ms";

/// For delays of which there are too few to tell rarer ones.
template <class Unit>
void tell_delays(const answer& tell, const std::string& prefix, std::vector<delay>& delays) {
    tell(prefix + "p50", in<Unit>(rank(delays, 0.5)), unit_name<Unit>);
    if (delays.size() >= 100) {
        tell(prefix + "p99", in<Unit>(rank(delays, 0.99)), unit_name<Unit>);
    }
    tell(prefix + "max", in<Unit>(rank(delays, 1.0)), unit_name<Unit>);
}

/// What the caller pays, also without what the clock adds.
inline void tell_caller_percentiles(const answer& tell, const std::string& prefix,
                                    std::vector<ticks>& samples, const tick_scale& scale) {
    const double net = rank_ns(samples, 0.5, scale) - scale.overhead_ns();
    tell(prefix + "p50_net", std::max(0.0, net), "ns");
    tell_percentiles(tell, prefix, samples, scale);
}

/// The mean of a row, for half of the rows and for all.
inline void tell_rows(const answer& tell, std::vector<ticks>& rows, std::size_t length,
                      const tick_scale& scale) {
    const auto submits = static_cast<double>(length);
    const double sum = static_cast<double>(std::accumulate(rows.begin(), rows.end(), ticks{0}));
    tell("row_p50", rank_ns(rows, 0.5, scale) / submits, "ns");
    tell("row_mean", sum * scale.ns_per_tick / submits / static_cast<double>(rows.size()), "ns");
}

inline void tell_timer(const answer& tell, const tick_scale& scale) {
    tell("timer", scale.overhead_ns(), "ns");
}

} // namespace faf_bench
