// SPDX-License-Identifier: MIT
#pragma once

// Tables and pictures.

#include "console.hpp"
#include "latency_histogram.hpp"
#include "reader.hpp"
#include "trade.hpp"

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

namespace market {

inline void print_book(const std::string& symbol, const book& of) {
    std::cout << std::left << std::setw(8) << symbol << std::right << std::setw(11) << of.trades
              << std::setw(14) << of.volume << std::setw(16) << decimal(of.vwap(), 6)
              << std::setw(12) << decimal(of.last, 4) << '\n';
}

inline void print_latency(const char* what, const latency_histogram& times) {
    std::cout << what << ", in ns: p50 " << times.percentile(0.5) << ", p99 "
              << times.percentile(0.99) << ", p99.9 " << times.percentile(0.999) << ", max "
              << times.max() << '\n';
}

inline void print_rate(const reading& done) {
    std::cout << done.trades << " trades in " << std::fixed << std::setprecision(3) << done.seconds
              << " s: " << std::setprecision(0) << done.rate() << " a second\n";
}

/// 20'000 as "20 us".
inline std::string time_text(std::uint64_t ns) {
    const char* const units[] = {" ns", " us", " ms", " s"};
    std::size_t unit = 0;
    for (; ns % 1'000 == 0 && ns > 0 && unit < 3; ++unit) {
        ns /= 1'000;
    }
    return std::to_string(ns) + units[unit];
}

/// A bar for each of up to 100, 200, 500, 1000 ... nanoseconds; a dot for what is too few for one.
inline void draw(const char* what, const latency_histogram& times) {
    constexpr std::uint64_t widest = 50;
    std::cout << '\n' << what << '\n';
    const std::uint64_t digits[] = {1, 2, 5};
    std::uint64_t before = 0;
    for (std::uint64_t step = 0, tens = 1; before < times.total(); ++step) {
        const std::uint64_t edge = digits[step % 3] * tens;
        tens *= step % 3 == 2 ? 10 : 1;
        const std::uint64_t here = times.up_to(edge) - before;
        before += here;
        if (before > 0) {
            const std::uint64_t marks = here * widest / times.total();
            const std::string bar = marks > 0 ? std::string(marks, '#') : ".";
            std::cout << "  up to " << std::setw(6) << time_text(edge) << std::setw(11) << here
                      << (here > 0 ? " " + bar : "") << '\n';
        }
    }
}

inline void print_comparison_header(std::size_t trades) {
    std::cout << "\nthe first " << trades
              << " trades in four ways, in ns: what a call took, and how long its task waited\n"
              << "                    a second  submit p50       p99     p99.9         max  "
                 "queue p50         p99\n";
}

/// Does the work with `target` and prints a line of the comparison.
template <class Target>
void try_way(const char* name, const std::vector<std::string>& lines, Target& target,
             std::uint64_t pace) {
    console progress;
    const auto next_line = [next = lines.begin(), end = lines.end()](std::string& line) mutable {
        const bool is_there = next != end;
        if (is_there) {
            line = *next++;
        }
        return is_there;
    };
    const reading done = read_trades(next_line, target, pace, progress);
    const latency_histogram queued = target.queued();
    std::cout << std::left << std::setw(16) << name << std::right << std::fixed
              << std::setprecision(0) << std::setw(12) << done.rate() << std::setw(12)
              << done.submits.percentile(0.5) << std::setw(10) << done.submits.percentile(0.99)
              << std::setw(10) << done.submits.percentile(0.999) << std::setw(12)
              << done.submits.max() << std::setw(11) << queued.percentile(0.5) << std::setw(12)
              << queued.percentile(0.99) << '\n';
}

} // namespace market
