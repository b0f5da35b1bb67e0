// SPDX-License-Identifier: MIT
#pragma once

// What a pool's threads are called. ../../options.hpp takes it, thread_start.hpp adds a number.

#include "abi.hpp"

#include <concepts>
#include <cstddef>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// As many characters of a text as the system shows beside a number. They are copied, so that the
/// text may have been made at run time; null is the library's own name.
class thread_name {
public:
    template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
    constexpr thread_name(const Text& text) {
        for (const char letter : shown(text)) {
            letters_[size_++] = letter;
        }
    }

    constexpr operator std::string_view() const noexcept { return {letters_, size_}; }

private:
    static constexpr std::size_t most = 10;

    static constexpr std::string_view shown(std::string_view text) noexcept {
        return text.substr(0, most);
    }
    static constexpr std::string_view shown(const char* text) noexcept {
        return shown(std::string_view(text != nullptr ? text : "faf"));
    }

    char letters_[most]{};
    std::size_t size_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
