// SPDX-License-Identifier: MIT
#pragma once

// Where in the source a task was fired. options.hpp and the front door capture it, reports carry
// it.

#include "detail/platform/abi.hpp"

#if FIRE_AND_FORGET_ABI_SITE == 1
#include <source_location>
#else
#include <cstdint>
#endif
#include <cstddef>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI {

#if FIRE_AND_FORGET_ABI_SITE == 1

/// The file, line and function of a `fire_and_forget` call.
///
/// An alias and not a wrapper: GCC resolves `current()` to the caller only when
/// std::source_location itself stands in the default argument, and a wrapping function that hands
/// on its own caller's place relies on that:
///
///     void refresh(faf::call_site where = faf::call_site::current()) {
///         fire_and_forget({.where = where}, reload);
///     }
///
/// One whose `line()` is 0 names no place.
using call_site = std::source_location;

#else

/// Where a call stands, with the accessors of std::source_location, for clang 14 and 15.
class call_site {
public:
    /// No place: its line is 0.
    constexpr call_site() noexcept = default;

    /// The place of the call. The arguments are the compiler's to fill in.
    static constexpr call_site current(const char* file = __builtin_FILE(),
                                       const char* function = __builtin_FUNCTION(),
                                       std::uint_least32_t line = __builtin_LINE()) noexcept {
        call_site here;
        here.file_ = file;
        here.function_ = function;
        here.line_ = line;
        return here;
    }

    /// The source file, as the compiler was told its name; empty for no place.
    constexpr const char* file_name() const noexcept { return file_; }

    /// The function that contains the call; empty for no place.
    constexpr const char* function_name() const noexcept { return function_; }

    /// The line, counted from 1; 0 for no place.
    constexpr std::uint_least32_t line() const noexcept { return line_; }

private:
    const char* file_ = "";
    const char* function_ = "";
    std::uint_least32_t line_ = 0;
};

#endif

namespace detail {

/// "feed.cpp" of "/home/me/feed.cpp".
constexpr std::string_view base_name(std::string_view path) noexcept {
    const std::size_t slash = path.find_last_of("/\\");
    return slash == path.npos ? path : path.substr(slash + 1);
}

} // namespace detail
} // namespace faf::inline FIRE_AND_FORGET_ABI
