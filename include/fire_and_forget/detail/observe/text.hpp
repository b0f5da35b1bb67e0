// SPDX-License-Identifier: MIT
#pragma once

// Names and times as other programs read them.

#include "../platform/abi.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// As a decimal fraction of a unit that has 10^`digits` nanoseconds; with a point, where printf has
/// what setlocale() has asked for.
inline std::string decimal(std::chrono::nanoseconds time, std::size_t digits) {
    const bool is_negative = time.count() < 0;
    const auto bits = static_cast<std::uint64_t>(time.count());
    std::string all = std::to_string(is_negative ? 0 - bits : bits);
    if (all.size() <= digits) {
        all.insert(0, digits + 1 - all.size(), '0');
    }
    all.insert(all.size() - digits, 1, '.');
    return is_negative ? '-' + all : all;
}

/// As a string in JSON, with its quotes. Bytes that are not ASCII are taken to be UTF-8.
inline std::string json_string(std::string_view text) {
    std::string all = "\"";
    for (const char one : text) {
        if (one == '\\' || one == '"') {
            all += '\\';
            all += one;
        } else if (static_cast<unsigned char>(one) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(one));
            all += escaped;
        } else {
            all += one;
        }
    }
    all += '"';
    return all;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
