// SPDX-License-Identifier: MIT
#pragma once

// What the user asks for, and the source of lines that goes with it.

#include "generated_feed.hpp"
#include "trade.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

namespace market {

inline constexpr const char* usage =
    "market_feed [OPTION]... [FILE]\n"
    "\n"
    "Adds up the trades of FILE, one background task for each, and tells of price jumps.\n"
    "\n"
    "  FILE            comma-separated, starting with the line "
    "time_ms,symbol,price,size,exchange;\n"
    "                  - is the standard input; without FILE a million trades are made up\n"
    "  --serial        the trades of each symbol one after the other; so it is if not given\n"
    "  --conflate      of each symbol the newest trade only, where they come faster than they run\n"
    "  --threads N     how many threads run the tasks; as many as processors if not given\n"
    "  --pace N        reads N trades a second; as fast as it can if not given\n"
    "  --jump PERCENT  what counts as a jump from one price to the next; 0.5 if not given\n"
    "  --histogram     draws how long the calls took, and how long the tasks waited\n"
    "  --baseline      compares: the same work inline, with std::async and with a mutex queue\n"
    "  --help          shows this text\n";

enum class way { serial, conflate };

struct settings {
    std::string file;           ///< empty: a generated feed
    std::optional<way> how;     ///< serial if not given
    unsigned threads = 0;       ///< 0: as many as processors
    std::uint64_t pace = 0;     ///< trades a second; 0: no limit
    std::uint64_t jump = 5'000; ///< ten-thousandths of a percent
    bool wants_histogram = false;
    bool wants_baseline = false;
    bool wants_help = false;

    bool conflates() const { return how == way::conflate; }
};

/// The words of the command line, one after the other.
class words {
public:
    explicit words(std::span<const char* const> all) : all_(all) {}

    bool next(std::string& word) {
        if (at_ == all_.size()) {
            return false;
        }
        word = all_[at_++];
        return true;
    }

    /// What follows an option, from 1 to `most`. Throws std::runtime_error with words: `otherwise`.
    std::uint64_t number(std::uint64_t most, const char* otherwise) {
        std::string word;
        const auto found = next(word) ? whole_number(word) : std::nullopt;
        return checked(found, 1, most, otherwise);
    }

    /// The same with four decimals, from 0 to `most`.
    std::uint64_t decimals(std::uint64_t most, const char* otherwise) {
        std::string word;
        const auto found = next(word) ? ten_thousandths(word) : std::nullopt;
        return checked(found, 0, most, otherwise);
    }

private:
    static std::uint64_t checked(std::optional<std::uint64_t> found, std::uint64_t least,
                                 std::uint64_t most, const char* otherwise) {
        if (!found || *found < least || *found > most) {
            throw std::runtime_error(otherwise);
        }
        return *found;
    }

    std::span<const char* const> all_;
    std::size_t at_ = 0;
};

inline void choose(settings& result, way how) {
    if (result.how.value_or(how) != how) {
        throw std::runtime_error("--serial and --conflate exclude each other");
    }
    result.how = how;
}

inline void check_baseline(const settings& wanted) {
    if (wanted.wants_baseline && wanted.conflates()) {
        throw std::runtime_error("--baseline compares what does all of the work: leave out "
                                 "--conflate");
    }
    if (wanted.wants_baseline && wanted.file == "-") {
        throw std::runtime_error("--baseline reads the trades more than once: name a file");
    }
}

/// Throws std::runtime_error, with words for the user.
inline settings parse_arguments(std::span<const char* const> arguments) {
    settings result;
    words given(arguments);
    for (std::string word; given.next(word);) {
        if (word == "--help") {
            result.wants_help = true;
        } else if (word == "--serial") {
            choose(result, way::serial);
        } else if (word == "--conflate") {
            choose(result, way::conflate);
        } else if (word == "--threads") {
            result.threads = static_cast<unsigned>(
                given.number(1'000, "--threads needs a number up to 1000, as in --threads 4"));
        } else if (word == "--pace") {
            result.pace = given.number(
                10'000'000, "--pace needs a number of trades a second, as in --pace 50000");
        } else if (word == "--jump") {
            result.jump =
                given.decimals(100 * 10'000, "--jump needs a percentage, as in --jump 0.5");
        } else if (word == "--histogram") {
            result.wants_histogram = true;
        } else if (word == "--baseline") {
            result.wants_baseline = true;
        } else if (word.size() > 1 && word.front() == '-') {
            throw std::runtime_error("unknown option " + word);
        } else if (word.empty() || !result.file.empty()) {
            throw std::runtime_error("one file at a time, please");
        } else {
            result.file = word;
        }
    }
    check_baseline(result);
    return result;
}

/// Puts the next line into its argument; false at the end.
using line_source = std::function<bool(std::string&)>;

/// The lines after the header. Throws std::runtime_error, and so do the lines, if `file` cannot be
/// read or holds something else.
inline line_source open_feed(const std::string& file) {
    line_source next_line = generated_feed();
    if (!file.empty()) {
        std::shared_ptr<std::istream> input(&std::cin, [](std::istream*) {});
        if (file != "-") {
            input = std::make_shared<std::ifstream>(file);
        }
        if (!*input) {
            throw std::runtime_error("cannot open " + file);
        }
        next_line = [input, file](std::string& line) {
            std::getline(*input, line);
            if (input->bad()) {
                throw std::runtime_error("cannot read " + file);
            }
            return !input->fail();
        };
    }
    std::string line;
    if (!next_line(line)) {
        throw std::runtime_error("the file is empty");
    }
    if (line != header) {
        throw std::runtime_error("the first line is not " + std::string(header));
    }
    return next_line;
}

} // namespace market
