// SPDX-License-Identifier: MIT
#pragma once

// What the user asks for, and the source of lines that goes with it.

#include "generated_feed.hpp"
#include "trade.hpp"

#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace market {

inline constexpr const char* usage =
    "market_feed [--jump PERCENT] [FILE]\n"
    "\n"
    "Adds up the trades of FILE, one background task for each, and tells of price jumps.\n"
    "\n"
    "  FILE            comma-separated, starting with the line "
    "time_ms,symbol,price,size,exchange;\n"
    "                  - is the standard input; without FILE a million trades are made up\n"
    "  --jump PERCENT  what counts as a jump from one price to the next; 0.5 if not given\n"
    "  --help          shows this text\n";

struct settings {
    std::string file;           ///< empty: a generated feed
    std::uint64_t jump = 5'000; ///< ten-thousandths of a percent
    bool wants_help = false;
};

/// Throws std::runtime_error, with words for the user.
inline settings parse_arguments(std::span<const char* const> arguments) {
    settings result;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string word = arguments[i];
        if (word == "--help") {
            result.wants_help = true;
        } else if (word == "--jump") {
            const auto percent = ten_thousandths(++i < arguments.size() ? arguments[i] : "");
            if (!percent || *percent > 100 * 10'000) {
                throw std::runtime_error("--jump needs a percentage, as in --jump 0.5");
            }
            result.jump = *percent;
        } else if (word.size() > 1 && word.front() == '-') {
            throw std::runtime_error("unknown option " + word);
        } else if (word.empty() || !result.file.empty()) {
            throw std::runtime_error("one file at a time, please");
        } else {
            result.file = word;
        }
    }
    return result;
}

/// Puts the next line into its argument; false at the end.
using line_source = std::function<bool(std::string&)>;

/// Throws std::runtime_error, and so do the lines, if `file` cannot be read.
inline line_source open_feed(const std::string& file) {
    if (file.empty()) {
        return generated_feed();
    }
    std::shared_ptr<std::istream> input(&std::cin, [](std::istream*) {});
    if (file != "-") {
        input = std::make_shared<std::ifstream>(file);
    }
    if (!*input) {
        throw std::runtime_error("cannot open " + file);
    }
    return [input, file](std::string& line) {
        std::getline(*input, line);
        if (input->bad()) {
            throw std::runtime_error("cannot read " + file);
        }
        return !input->fail();
    };
}

} // namespace market
