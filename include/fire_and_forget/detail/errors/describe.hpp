// SPDX-License-Identifier: MIT
#pragma once

// Puts the exception being handled into words: its type, its text and what is nested in it.
// Whoever reports an exception asks here.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "bounded_text.hpp"

#include <cstddef>
#include <exception>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

inline constexpr std::size_t text_limit = 1024;
inline constexpr int nesting_limit = 8;

using report_text = bounded_text<text_limit>;

/// The text, or none.
constexpr std::string_view or_empty(const char* text) noexcept {
    return text != nullptr ? std::string_view(text) : std::string_view();
}

constexpr std::string_view or_null(const char* text) noexcept {
    return text != nullptr ? std::string_view(text) : std::string_view("(null)");
}

/// What every report has; the rest is added to it.
inline error_report make_report(failure kind, const call_site& where, std::string_view task,
                                std::string_view what = {}) noexcept {
    error_report about; // not {}, which clears all of it first
    about.kind = kind;
    about.what = what;
    about.task = task;
    about.where = where;
    return about;
}

/// Whether two calls stand in the same line of the same file.
inline bool is_same_place(const call_site& one, const call_site& other) noexcept {
    return one.line() == other.line() && std::string_view(one.file_name()) == other.file_name();
}

/// "X" of "std::_Nested_exception<X>", the type that std::throw_with_nested makes of X.
[[gnu::cold]] constexpr std::string_view without_nesting(std::string_view type) noexcept {
    for (const std::string_view wrapper : {"std::_Nested_exception<", "std::__nested<"}) {
        if (type.substr(0, wrapper.size()) == wrapper && type.back() == '>') {
            return type.substr(wrapper.size(), type.size() - wrapper.size() - 1);
        }
    }
    return type;
}

/// The type and text of the exception being handled. Make one inside a handler only.
class exception_description {
public:
    exception_description();

    const std::exception_ptr& exception() const noexcept { return exception_; }
    [[gnu::cold]] std::string_view type() const noexcept { return without_nesting(type_.name()); }
    std::string_view what() const noexcept { return text_.view(); }
    bool is_out_of_memory() const noexcept { return is_out_of_memory_; }

    /// The texts of `about` last as long as this.
    [[gnu::cold]] void add_to(error_report& about) const noexcept {
        about.exception = exception_;
        about.type = type();
        about.what = what();
    }

private:
    /// Appends the text of the exception being handled and returns the one nested in it.
    std::exception_ptr append_text();

    void append_chain(std::exception_ptr link);

    std::exception_ptr exception_;
    current_exception_type type_;
    report_text text_;
    bool is_out_of_memory_ = false; ///< it, or what is nested in it, is a std::bad_alloc
};

/// The name of a type, without RTTI. Empty where the compiler does not tell.
template <class T>
constexpr std::string_view type_name() noexcept {
#if defined(__GNUC__)
    // "... type_name() [with T = NAME; ...]" on GCC, "... [T = NAME]" on clang
    const std::string_view all = __PRETTY_FUNCTION__;
    const std::size_t begin = all.find("T = ") + 4;
    const std::size_t semicolon = all.find(';', begin);
    const std::size_t end = semicolon != all.npos ? semicolon : all.rfind(']');
    return all.substr(begin, end - begin);
#else
    return {};
#endif
}

// A result that carries an error would be swallowed with the result: an error code that is set, an
// expected that holds its error, an exception_ptr that is not null.

template <class T>
concept error_code_result = std::is_same_v<T, std::error_code>;

template <class T>
concept exception_ptr_result = std::is_same_v<T, std::exception_ptr>;

template <class T>
concept expected_result = requires(const T& result) {
    static_cast<bool>(result.has_value());
    result.error();
};

template <class T>
concept error_result = error_code_result<T> || exception_ptr_result<T> || expected_result<T>;

template <error_result T>
bool holds_error(const T& result) {
    if constexpr (expected_result<T>) {
        return !result.has_value();
    } else {
        return static_cast<bool>(result);
    }
}

/// Appends words in whatever form an error has them: a pointer, which may be null, or a string.
template <class Words>
void append_words(report_text& text, const Words& words) {
    if constexpr (std::is_convertible_v<const Words&, const char*>) {
        text.append(or_null(words));
    } else {
        text.append(std::string_view(words));
    }
}

/// Appends an error's own words, as far as they can be found.
template <class Error>
void append_error_text(report_text& text, const Error& error) {
    if constexpr (error_code_result<Error>) {
        text.append(error.category().name());
        text.append(":");
        text.append_number(error.value());
        text.append(" ");
        text.append(error.message());
    } else if constexpr (std::is_convertible_v<const Error&, std::string_view>) {
        append_words(text, error);
    } else if constexpr (requires { std::string_view(error.what()); }) {
        append_words(text, error.what());
    } else if constexpr (requires { std::string_view(error.message()); }) {
        append_words(text, error.message());
    } else if constexpr (std::is_integral_v<Error>) {
        text.append_number(static_cast<long long>(error));
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
