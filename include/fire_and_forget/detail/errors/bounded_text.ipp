// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "bounded_text.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void text_writer::append(std::string_view text) noexcept {
    if (is_cut_) {
        return;
    }
    const std::size_t begin = size_;
    const std::size_t room = capacity_ - size_;
    const std::size_t length = text.size() < room ? text.size() : room;
    if (length > 0) {
        std::memcpy(text_ + size_, text.data(), length);
        size_ += length;
    }
    std::size_t end = size_ < last_cut() ? size_ : last_cut();
    for (int steps = 0; steps < 3 && end < size_ && continues_sequence(text_[end]); ++steps) {
        --end;
    }
    cut_here_ = end > begin ? end : cut_here_;
    if (length < text.size()) {
        mark_cut();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void text_writer::append_quoted(std::string_view text,
                                                                     std::size_t most) noexcept {
    append_whole("\"");
    append_escaped(text.substr(0, most_of(text, most)), '"');
    append_whole(text.size() > most ? "\"..." : "\"");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
text_writer::append_escaped_beginning(std::string_view text, std::size_t most) noexcept {
    append_escaped(text.substr(0, most_of(text, most)));
    append_whole(text.size() > most ? "..." : "");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void text_writer::append_number(long long value,
                                                                     std::size_t width) noexcept {
    char digits[24];
    std::size_t begin = sizeof digits;
    // The magnitude as unsigned: the smallest number has no positive counterpart.
    auto rest = static_cast<unsigned long long>(value);
    rest = value < 0 ? 0 - rest : rest;
    for (; rest > 0 || sizeof digits - begin < width; rest /= 10) {
        digits[--begin] = static_cast<char>('0' + rest % 10);
    }
    append(value < 0 ? "-" : "");
    append({digits + begin, sizeof digits - begin});
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::size_t text_writer::most_of(std::string_view text,
                                                                      std::size_t most) noexcept {
    if (text.size() <= most) {
        return text.size();
    }
    std::size_t end = most;
    for (int steps = 0; steps < 3 && end > 0 && continues_sequence(text[end]); ++steps) {
        --end;
    }
    return end;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void text_writer::append_escaped(std::string_view text,
                                                                      char quote) noexcept {
    while (!text.empty() && !is_cut_) {
        std::size_t length = printable_sequence(text);
        if (length == 0) {
            length = 1;
            append_escape(static_cast<unsigned char>(text.front()));
        } else if (text.front() == '\\' || text.front() == quote) {
            const char escape[] = {'\\', text.front()};
            append_whole({escape, sizeof escape});
        } else {
            append_whole(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void text_writer::append_escape(unsigned char byte) noexcept {
    constexpr const char* hex = "0123456789abcdef";
    switch (byte) {
    case '\n':
        return append_whole("\\n");
    case '\r':
        return append_whole("\\r");
    case '\t':
        return append_whole("\\t");
    default:
        const char escape[] = {'\\', 'x', hex[byte >> 4U], hex[byte & 0xfU]};
        append_whole({escape, sizeof escape});
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
text_writer::append_whole(std::string_view piece) noexcept {
    if (is_cut_) {
        return;
    }
    if (piece.size() > capacity_ - size_) {
        return mark_cut();
    }
    if (!piece.empty()) {
        std::memcpy(text_ + size_, piece.data(), piece.size());
        size_ += piece.size();
    }
    cut_here_ = size_ <= last_cut() ? size_ : cut_here_;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void text_writer::mark_cut() noexcept {
    is_cut_ = true;
    std::memcpy(text_ + cut_here_, "...", 3);
    size_ = cut_here_ + 3;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
