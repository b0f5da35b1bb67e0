// SPDX-License-Identifier: MIT
#pragma once

// What the three programs are told: options of the form --name VALUE, and words.

#include "redis_link.hpp"

#include <charconv>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace durable {

/// The arguments of a program. Throws std::invalid_argument, with words for the user.
class command_line {
public:
    /// known: the options there are, and what they are if they are not given.
    command_line(int count, char** arguments, std::map<std::string, std::string> known)
        : options_(std::move(known)) {
        for (int i = 1; i < count; ++i) {
            const std::string word = arguments[i];
            if (word == "--help") {
                wants_help_ = true;
            } else if (word.size() > 1 && word.front() == '-') {
                const auto option = options_.find(word);
                if (option == options_.end()) {
                    throw std::invalid_argument("there is no option " + word);
                }
                if (++i == count) {
                    throw std::invalid_argument(word + " needs a value");
                }
                option->second = arguments[i];
            } else {
                words_.push_back(word);
            }
        }
    }

    bool wants_help() const { return wants_help_; }
    const std::vector<std::string>& words() const { return words_; }
    const std::string& text(const std::string& option) const { return options_.at(option); }
    address redis() const { return address::parse(text("--redis")); }

    /// A number from 1 to a million.
    unsigned number(const std::string& option) const {
        const std::string& text = options_.at(option);
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || value < 1 ||
            value > 1'000'000) {
            throw std::invalid_argument(option + " needs a number from 1 to 1000000, not " + text);
        }
        return value;
    }

private:
    std::map<std::string, std::string> options_;
    std::vector<std::string> words_;
    bool wants_help_ = false;
};

/// Runs a program: 2 for wrong arguments, 1 for what else goes wrong.
template <class Program>
int run_program(const char* usage, const Program& program) {
    try {
        return program();
    } catch (const std::invalid_argument& wrong) {
        std::fprintf(stderr, "%s\n\n%s", wrong.what(), usage);
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

} // namespace durable
