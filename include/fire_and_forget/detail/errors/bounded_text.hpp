// SPDX-License-Identifier: MIT
#pragma once

// Text of bounded length in place, for reports: writing one must work without memory.

#include "../platform/abi.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whether a character could mislead who reads it on a terminal: it controls that, ends a line,
/// turns the reading direction, or is not seen at all, so that two texts look alike that are not.
constexpr bool is_misleading(unsigned point) noexcept {
    struct range {
        unsigned first;
        unsigned last;
    };
    constexpr range all[] = {
        {0x0, 0x1f},      {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},
        {0x61c, 0x61c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
        {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0x2800, 0x2800},
        {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    for (const range& misleading : all) {
        if (point >= misleading.first && point <= misleading.last) {
            return true;
        }
    }
    return false;
}

/// Whether a byte is inside of a UTF-8 sequence, not at its front.
constexpr bool continues_sequence(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// The length of the UTF-8 sequence at the front of `text` if it is well formed and can be shown as
/// it is, else 0.
constexpr std::size_t printable_sequence(std::string_view text) noexcept {
    const unsigned first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) {
        return is_misleading(first) ? 0 : 1;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) {
        return 0;
    }
    unsigned point = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!continues_sequence(text[i])) {
            return 0;
        }
        point = (point << 6U) | (static_cast<unsigned char>(text[i]) & 0x3fU);
    }
    const unsigned smallest = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    const bool malformed =
        point < smallest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
    return malformed || is_misleading(point) ? 0 : length;
}

/// Collects text in a place that somebody else provides; what does not fit is cut and marked by
/// "..." at the end, but neither inside of a character nor of an escape. Not a template, so that it
/// is compiled once.
class text_writer {
public:
    text_writer(const text_writer&) = delete;
    text_writer& operator=(const text_writer&) = delete;

    /// Appends `text` as it is.
    void append(std::string_view text) noexcept;

    /// Appends `text` so that it is one line and could be read back: what is not printable is
    /// written as a backslash with n, r, t or xNN, and a backslash as two.
    void append_escaped(std::string_view text) noexcept { append_escaped(text, '\\'); }

    /// The same in quotes, with a backslash before those inside. Of a text that is longer than
    /// `most` the rest is left out, which "..." behind it says.
    void append_quoted(std::string_view text, std::size_t most) noexcept;

    /// append_escaped() for the beginning of a text.
    void append_escaped_beginning(std::string_view text, std::size_t most) noexcept;

    /// Appends a number, with leading zeros up to `width`, at most 20.
    void append_number(long long value, std::size_t width = 1) noexcept;

    std::string_view view() const noexcept { return {text_, size_}; }

protected:
    text_writer(char* place, std::size_t capacity) noexcept : text_(place), capacity_(capacity) {}
    ~text_writer() = default;

private:
    /// Where the mark of a cut begins at the latest.
    std::size_t last_cut() const noexcept { return capacity_ - 3; }

    /// How much of `text` are whole characters, of its first `most` bytes.
    static std::size_t most_of(std::string_view text, std::size_t most) noexcept;

    void append_escaped(std::string_view text, char quote) noexcept;

    void append_escape(unsigned char byte) noexcept;

    /// Appends all of it or nothing.
    void append_whole(std::string_view piece) noexcept;

    void mark_cut() noexcept;

    char* const text_;
    const std::size_t capacity_;
    std::size_t size_ = 0;
    std::size_t cut_here_ = 0; ///< where the mark of a cut may begin
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
