// SPDX-License-Identifier: MIT
#pragma once

// Text of bounded length in place, for reports: writing one must work without memory.

#include "abi.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The length of the UTF-8 sequence at the front of `text` if it is well formed and safe to show on
/// a terminal, else 0. Not safe: control characters, line and paragraph separators, and the marks
/// that turn the reading direction.
constexpr std::size_t printable_sequence(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) {
        return 0;
    }
    unsigned point = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) {
            return 0;
        }
        point = (point << 6U) | (byte(i) & 0x3fU);
    }
    const unsigned smallest = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    const bool malformed =
        point < smallest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
    const bool unsafe = point < 0xa0 || point == 0x61c || point == 0x200e || point == 0x200f ||
                        (point >= 0x2028 && point <= 0x202e) ||
                        (point >= 0x2066 && point <= 0x2069);
    return malformed || unsafe ? 0 : length;
}

/// Collects text in a place that somebody else provides; what does not fit is cut and marked by
/// "..." at the end. Not a template, so that it is compiled once.
class text_writer {
public:
    text_writer(const text_writer&) = delete;
    text_writer& operator=(const text_writer&) = delete;

    /// Appends `text` as it is.
    void append(std::string_view text) noexcept {
        if (is_cut_) {
            return;
        }
        const std::size_t room = capacity_ - size_;
        const std::size_t length = text.size() < room ? text.size() : room;
        if (length > 0) {
            std::memcpy(text_ + size_, text.data(), length);
            size_ += length;
        }
        if (length < text.size()) {
            mark_cut();
        }
    }

    // Appends `text` with everything that is not printable written as \n, \r, \t or \xNN.
    void append_escaped(std::string_view text) noexcept {
        while (!text.empty() && !is_cut_) {
            const std::size_t plain = printable_sequence(text);
            if (plain > 0) {
                append(text.substr(0, plain));
                text.remove_prefix(plain);
            } else {
                append_escape(static_cast<unsigned char>(text.front()));
                text.remove_prefix(1);
            }
        }
    }

    /// Appends a number, with leading zeros up to `width`, at most 20.
    void append_number(long long value, std::size_t width = 1) noexcept {
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

    std::string_view view() const noexcept { return {text_, size_}; }

protected:
    text_writer(char* place, std::size_t capacity) noexcept : text_(place), capacity_(capacity) {}
    ~text_writer() = default;

private:
    void append_escape(unsigned char byte) noexcept {
        constexpr const char* hex = "0123456789abcdef";
        switch (byte) {
        case '\n':
            return append("\\n");
        case '\r':
            return append("\\r");
        case '\t':
            return append("\\t");
        default:
            const char escape[] = {'\\', 'x', hex[byte >> 4U], hex[byte & 0xfU]};
            append({escape, sizeof escape});
        }
    }

    void mark_cut() noexcept {
        is_cut_ = true;
        // Step back over the bytes that continue a UTF-8 sequence, so that none is left in halves.
        std::size_t end = size_ < capacity_ - 3 ? size_ : capacity_ - 3;
        for (int steps = 0; steps < 3 && end > 0 && end < size_ && continues_sequence(text_[end]);
             ++steps) {
            --end;
        }
        std::memcpy(text_ + end, "...", 3);
        size_ = end + 3;
    }

    static bool continues_sequence(char byte) noexcept {
        return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
    }

    char* const text_;
    const std::size_t capacity_;
    std::size_t size_ = 0;
    bool is_cut_ = false;
};

/// A writer with room for `Size` bytes.
template <std::size_t Size>
class bounded_text : public text_writer {
public:
    static_assert(Size >= 16, "the mark of a cut must fit in well");
    bounded_text() noexcept : text_writer(place_, Size) {}

private:
    char place_[Size];
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
