// SPDX-License-Identifier: MIT
#pragma once

// Names and places as other programs read them.

#include "../platform/abi.hpp"

#include <cstdio>
#include <string>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The file without its folders.
constexpr std::string_view base_name_of(std::string_view file) noexcept {
    const std::size_t slash = file.find_last_of("/\\");
    return slash == std::string_view::npos ? file : file.substr(slash + 1);
}

/// As the value of a label in Prometheus's text format.
inline std::string escaped_label(std::string_view text) {
    std::string all;
    for (const char one : text) {
        if (one == '\n') {
            all += "\\n";
        } else {
            if (one == '\\' || one == '"') {
                all += '\\';
            }
            all += one;
        }
    }
    return all;
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
