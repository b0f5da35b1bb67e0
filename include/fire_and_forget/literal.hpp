// SPDX-License-Identifier: MIT
#pragma once

// Text that is there for ever, and so can be kept by its address. options.hpp names tasks by it,
// to_string answers with it.

#include "detail/platform/abi.hpp"

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI {

class literal;

namespace detail {

template <class Text>
concept text_but_no_literal = std::convertible_to<Text, std::string_view> &&
    !std::derived_from<std::remove_cvref_t<Text>, literal>;

} // namespace detail

/// A string literal: a std::string_view that cannot dangle and that ends with a null.
///
///     constexpr faf::literal kinds[] = {"buy", "sell"};
///     fire_and_forget({.name = kinds[side]}, book, order);
///     std::printf("%s\n", kinds[side].c_str());
///
/// text: a literal, or an array of const char with static storage. Anything else, such as a
/// std::string or a char* whose owner may be gone before the task, does not compile.
/// Thread safety: as of a std::string_view. Cost: none; it is made while compiling, and copied as a
/// pointer and a length.
class literal : public std::string_view {
public:
    /// Empty.
    constexpr literal() noexcept : std::string_view("") {}

#if defined(__clang__) && __clang_major__ < 19
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgcc-compat"
    /// What is between the quotes. (Where a consteval constructor has made it, clang 14 to 16 crash
    /// or store nothing; 19 was seen to do well. By the attribute this one, too, takes only what
    /// can be read while compiling.)
    template <std::size_t Size>
    constexpr literal(const char (&text)[Size]) noexcept
        __attribute__((enable_if(text[Size - 1] == '\0', "")))
        : std::string_view(text) {}
#pragma clang diagnostic pop
#else
    /// What is between the quotes.
    template <std::size_t Size>
    consteval literal(const char (&text)[Size]) noexcept : std::string_view(text) {}
#endif

    /// To say so of whatever else is text.
    template <detail::text_but_no_literal Text>
    constexpr literal(Text&&) noexcept {
        static_assert(
            !std::is_same_v<Text, Text>,
            "fire_and_forget: a name is not copied, so it has to be a literal, a faf::literal, "
            "or faf::literal::from_static(x) if x lives for ever, or faf::copied_name(x), which "
            "copies it.");
    }

    /// Takes text that was made at run time, on the caller's word that it is never changed or
    /// freed, and that it ends with a null: from a table of names, say, that is filled once.
    ///
    /// faf::copied_name() copies. What differs from one task to the next is better told by a sink:
    /// the closure in options::on_error can hold a std::string.
    static constexpr literal from_static(const char* text) noexcept {
        literal made;
        static_cast<std::string_view&>(made) = text != nullptr ? text : "";
        return made;
    }

    /// The text for C: for printf's %s, or std::puts.
    constexpr const char* c_str() const noexcept {
        return data();
    }

    void remove_suffix(std::size_t) = delete; // it would no longer end with a null
};

} // namespace faf::inline FIRE_AND_FORGET_ABI
