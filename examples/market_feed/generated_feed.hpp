// SPDX-License-Identifier: MIT
#pragma once

// A feed out of thin air, for those who have no file of trades at hand.

#include "trade.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace market {

/// A million trades of eight symbols, line by line, the same ones in every run. Prices wander by a
/// cent at a time; one trade in ten thousand jumps by one percent. Three lines are damaged.
class generated_feed {
public:
    /// Puts the next line into `line`; false at the end.
    bool operator()(std::string& line) {
        if (!is_started_) {
            is_started_ = true;
            line = header;
        } else if (damaged_ < damage.size() && trades_ == (damaged_ + 1) * total / 4) {
            line = damage[damaged_++];
        } else if (trades_ < total) {
            line = next_trade();
        } else {
            return false;
        }
        return true;
    }

private:
    struct quote {
        const char* symbol;
        std::uint64_t cents;
    };

    static constexpr std::size_t total = 1'000'000;
    static constexpr std::array damage{"40207000,KO,37.x5,100,P", "45951234,MSFT,33.3000,-500,Q",
                                       "51688"};

    std::string next_trade() {
        ++trades_;
        time_ms_ += below(47);
        quote& next = quotes_[below(quotes_.size())];
        const std::uint64_t step = below(10'000) == 0 ? next.cents / 100 : 1;
        next.cents = below(2) == 0 || next.cents < 1'000 ? next.cents + step : next.cents - step;
        const std::uint64_t size = 100 * (1 + below(10));
        const char exchange = "DKNPQZ"[below(6)];

        return std::to_string(time_ms_) + ',' + next.symbol + ',' + decimal(next.cents * 100, 4) +
               ',' + std::to_string(size) + ',' + exchange;
    }

    /// The distributions of <random> differ between standard libraries; its engines do not.
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    std::mt19937_64 random_{20131007};
    std::array<quote, 8> quotes_{{{"AIG", 4'918},
                                  {"BAC", 1'394},
                                  {"GE", 2'405},
                                  {"IBM", 18'250},
                                  {"KO", 3'745},
                                  {"MSFT", 3'330},
                                  {"T", 3'370},
                                  {"XOM", 8'560}}};
    std::uint64_t time_ms_ = 34'200'000; // half past nine
    std::size_t trades_ = 0;
    std::size_t damaged_ = 0;
    bool is_started_ = false;
};

} // namespace market
