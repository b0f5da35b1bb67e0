// SPDX-License-Identifier: MIT
#pragma once

// Lines of text into trades, and trades into books. Plain code that knows nothing of threads.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace market {

inline constexpr std::string_view header = "time_ms,symbol,price,size,exchange";

/// A dollar as prices count it: in whole ten-thousandths, so that sums are exact, in any order.
inline constexpr std::uint64_t dollar = 10'000;

inline constexpr std::size_t longest_symbol = 8;

struct trade {
    std::string_view symbol; ///< a part of the line
    std::uint64_t price = 0;
    std::uint64_t size = 0;
};

/// Nothing unless all of `text` is a number.
inline std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

/// 125000 for "12.5". Nothing unless all of `text` is a number with at most four decimals.
inline std::optional<std::uint64_t> ten_thousandths(std::string_view text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view decimals = point < text.size() ? text.substr(point + 1) : "0";
    if (point == 0 || decimals.empty() || decimals.size() > 4) {
        return std::nullopt;
    }
    std::string digits(text.substr(0, point));
    digits.append(decimals).append(4 - decimals.size(), '0');
    return whole_number(digits);
}

inline bool is_upper_case(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// Cuts the first field off `line`.
inline std::string_view take_field(std::string_view& line) {
    const std::size_t comma = std::min(line.find(','), line.size());
    const std::string_view field = line.substr(0, comma);
    line.remove_prefix(std::min(comma + 1, line.size()));
    return field;
}

/// Throws std::invalid_argument where a field is not what it should be.
inline trade parse(std::uint64_t line_number, std::string_view line) {
    const auto require = [=](bool holds, const char* field, std::string_view found) {
        if (!holds) {
            throw std::invalid_argument("line " + std::to_string(line_number) + ": bad " + field +
                                        " \"" + std::string(found) + '"');
        }
    };
    const std::string_view time = take_field(line);
    const std::string_view symbol = take_field(line);
    const std::string_view price = take_field(line);
    const std::string_view size = take_field(line);
    const std::string_view exchange = line; // with whatever there is too much
    const trade result{symbol, ten_thousandths(price).value_or(0), whole_number(size).value_or(0)};

    require(whole_number(time).has_value(), "time", time);
    require(is_upper_case(symbol, longest_symbol), "symbol", symbol);
    require(result.price > 0 && result.price < 1'000'000 * dollar, "price", price);
    require(result.size > 0 && result.size < 1'000'000'000, "size", size);
    require(is_upper_case(exchange, 4), "exchange", exchange);
    return result;
}

/// What is known about one symbol.
struct book {
    std::uint64_t trades = 0;
    std::uint64_t volume = 0;
    std::uint64_t turnover = 0; ///< price times size, summed
    std::uint64_t last = 0;

    /// Adds the whole trade or, with an exception, nothing of it.
    void add(const trade& next) {
        const std::uint64_t value =
            next.price * next.size; // 64 bits hold what parse() lets through
        if (value > std::numeric_limits<std::uint64_t>::max() - turnover) {
            throw std::overflow_error("the turnover of " + std::string(next.symbol) + " is full");
        }
        ++trades;
        volume += next.size;
        turnover += value;
        last = next.price;
    }

    /// The average price of a share, in millionths of a dollar, rounded.
    std::uint64_t vwap() const {
        const std::uint64_t rest = turnover % volume;
        return turnover / volume * 100 + (rest * 100 + volume / 2) / volume;
    }
};

/// "13.9400" for 139400 with four decimals.
inline std::string decimal(std::uint64_t number, std::size_t decimals) {
    std::string digits = std::to_string(number);
    digits.insert(0, decimals + 1 - std::min(digits.size(), decimals + 1), '0');
    return digits.insert(digits.size() - decimals, 1, '.');
}

using books = std::map<std::string, book>;

} // namespace market
