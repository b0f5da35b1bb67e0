// SPDX-License-Identifier: MIT
#pragma once

// The bytes that program.hpp reads a program from.

#include <cstddef>
#include <cstdint>

namespace faf_fuzz {

/// Gives one byte after the other, and zeros when there are none left: so every row of bytes is a
/// program, and one that is cut short is a shorter program.
class script {
public:
    script(const std::uint8_t* bytes, std::size_t size) noexcept : at_(bytes), end_(bytes + size) {}

    bool is_over() const noexcept { return at_ == end_; }

    unsigned byte() noexcept { return is_over() ? 0U : *at_++; }

    /// From 0 to `choices` - 1.
    unsigned below(unsigned choices) noexcept { return byte() % choices; }

    bool coin() noexcept { return below(2) == 1; }

    /// Its second half, which this one then has no more.
    script split() noexcept {
        const script second(at_ + (end_ - at_) / 2, end_);
        end_ = second.at_;
        return second;
    }

private:
    script(const std::uint8_t* begin, const std::uint8_t* end) noexcept : at_(begin), end_(end) {}

    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

} // namespace faf_fuzz
