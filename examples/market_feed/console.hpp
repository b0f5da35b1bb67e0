// SPDX-License-Identifier: MIT
#pragma once

// Standard error, shared by the reader's progress and the remarks of the tasks.

#include <cstdint>
#include <iostream>
#include <mutex>
#include <string>

#if __has_include(<unistd.h>)
#include <unistd.h>
#else
#include <io.h>
#endif

namespace market {

/// Shows progress on a terminal only. Any thread may use it: each text is one write.
class console {
public:
    void say(const std::string& text) { std::cerr << erase_ + text + '\n'; }

    void show_progress(std::uint64_t trades, double seconds) {
        if (!erase_.empty()) {
            const auto rate = static_cast<std::uint64_t>(static_cast<double>(trades) / seconds);
            std::cerr << erase_ + std::to_string(trades) + " trades, " + std::to_string(rate) +
                             " a second ";
        }
    }

    void end_progress() { std::cerr << erase_; }

private:
    const std::string erase_ = isatty(2) != 0 ? "\r\33[K" : ""; ///< wipes progress off the line
};

/// Says the first few remarks of its kind and counts all of them.
class remarks {
public:
    /// `kind` in the plural.
    explicit remarks(const char* kind) : kind_(kind) {}

    void add(const std::string& text) {
        const std::lock_guard<std::mutex> lock(mutex_); // the note on further ones comes last
        const std::uint64_t number = ++count_;
        if (number < shown) {
            out_.say(text);
        } else if (number == shown) {
            out_.say(text + "\n(further " + kind_ + " are counted, not shown)");
        }
    }

    std::uint64_t count() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        return count_;
    }

private:
    static constexpr std::uint64_t shown = 3;

    const char* kind_;
    console out_;
    mutable std::mutex mutex_;
    std::uint64_t count_ = 0;
};

} // namespace market
