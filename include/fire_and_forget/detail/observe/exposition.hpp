// SPDX-License-Identifier: MIT
#pragma once

// Numbers and names as Prometheus reads them: its text format, version 0.0.4.

#include "../platform/abi.hpp"
#include "text.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// As a label with its value.
inline std::string label(std::string_view name, std::string_view value) {
    std::string all(name);
    all += "=\"";
    for (const char one : value) {
        if (one == '\n') {
            all += "\\n";
        } else {
            if (one == '\\' || one == '"') {
                all += '\\';
            }
            all += one;
        }
    }
    all += '"';
    return all;
}

/// The text, as it grows. All samples of one metric have to come together, behind its begin().
class exposition {
public:
    /// help: without backslashes and line feeds.
    void begin(std::string_view metric, std::string_view type, std::string_view help) {
        metric_ = metric;
        text_.append("# HELP ").append(metric).append(" ").append(help);
        text_.append("\n# TYPE ").append(metric).append(" ").append(type).append("\n");
    }

    /// A sample of it. suffix: "_bucket", say, or nothing.
    void add(std::string_view suffix, std::string_view labels, std::uint64_t value) {
        add(suffix, labels, std::to_string(value));
    }

    /// A time, in seconds.
    void add(std::string_view suffix, std::string_view labels, std::chrono::nanoseconds value) {
        add(suffix, labels, decimal(value, 9));
    }

    /// What there is so far.
    const std::string& text() const noexcept { return text_; }

private:
    void add(std::string_view suffix, std::string_view labels, const std::string& value) {
        text_.append(metric_).append(suffix).append("{").append(labels).append("} ");
        text_.append(value).append("\n");
    }

    std::string text_;
    std::string metric_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
