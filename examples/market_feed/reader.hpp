// SPDX-License-Identifier: MIT
#pragma once

// The reader's side of the feed: how fast the lines come, and how long each call took.

#include "command_line.hpp"
#include "console.hpp"
#include "latency_histogram.hpp"
#include "trade.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace market {

using clock = std::chrono::steady_clock;

/// An Account for each symbol. It stays where it is. Only the reader looks for one; a line without
/// a proper symbol has an account, too, where it fails.
template <class Account>
class accounts {
public:
    /// Made from `how` if there is none yet.
    template <class... Args>
    Account& of(std::string_view line, Args&&... how) {
        take_field(line); // the time
        std::string_view symbol = take_field(line);
        if (!is_upper_case(symbol, longest_symbol)) {
            symbol = {};
        }
        const auto found = all_.find(symbol);
        return found != all_.end()
                   ? found->second
                   : all_.try_emplace(std::string(symbol), std::forward<Args>(how)...)
                         .first->second;
    }

    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }

private:
    std::map<std::string, Account, std::less<>> all_;
};

/// Lets so many trades come a second.
class pacemaker {
public:
    /// 0: as many as there are.
    explicit pacemaker(std::uint64_t per_second) : per_second_(per_second) {}

    void await(std::uint64_t trade) const {
        if (per_second_ > 0) {
            const auto due = static_cast<double>(trade) / static_cast<double>(per_second_);
            std::this_thread::sleep_for(std::chrono::duration<double>(due - seconds()));
        }
    }

    double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }

private:
    const std::uint64_t per_second_;
    const clock::time_point start_ = clock::now();
};

/// What reading came to.
struct reading {
    std::uint64_t trades = 0;
    double seconds = 0; ///< until the last one was in its book
    latency_histogram submits;

    double rate() const { return static_cast<double>(trades) / seconds; }
};

/// Fires each line at `target`. A pool takes as many tasks as there is memory for; a file can wait,
/// so at most a batch of lines is on its way.
template <class Target>
reading read_trades(const line_source& next_line, Target& target, std::uint64_t pace,
                    console& progress) {
    const std::uint64_t batch = pace > 0 ? std::clamp<std::uint64_t>(pace / 5, 1, 10'000) : 10'000;
    reading result;
    const pacemaker paced(pace);
    for (std::string line; next_line(line);) {
        paced.await(result.trades);
        const std::uint64_t number = ++result.trades + 1; // the header is the first one
        auto& account = target.account_of(line);
        const auto start = clock::now();
        target.fire(account, number, std::move(line));
        result.submits.add(clock::now() - start);
        if (result.trades % batch == 0) {
            progress.show_progress(result.trades, paced.seconds());
            target.drain();
        }
    }
    progress.end_progress();
    target.drain();
    result.seconds = paced.seconds();
    return result;
}

inline std::vector<std::string> first_lines(const std::string& file, std::size_t most) {
    const line_source next_line = open_feed(file);
    std::vector<std::string> lines;
    for (std::string line; lines.size() < most && next_line(line);) {
        lines.push_back(line);
    }
    return lines;
}

} // namespace market
