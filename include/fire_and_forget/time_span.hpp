// SPDX-License-Identifier: MIT
#pragma once

// How long something may take, or when it is to start: the type of all durations that users hand
// over. options.hpp and the functions that wait have it.

#include "detail/platform/abi.hpp"
#include "detail/platform/time.hpp"

#include <concepts>
#include <cstdint>
#include <ratio>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI {
namespace detail {

template <class Rep, class Period>
void accept_duration(const std::chrono::duration<Rep, Period>&);
template <class Clock, class Duration>
void accept_time_point(const std::chrono::time_point<Clock, Duration>&);

template <class T>
concept some_duration = requires(const T& given) {
    detail::accept_duration(given);
};
template <class T>
concept some_time_point = requires(const T& given) {
    detail::accept_time_point(given);
};
template <class T>
concept plain_number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

/// What time_span has something to say about, if only that it is none.
template <class T>
concept meant_as_time_span = some_duration<T> || some_time_point<T> || plain_number<T> ||
    std::convertible_to<const T&, std::chrono::nanoseconds>;

/// `given` in nanoseconds, or the longest there is if it is longer. What is not nothing stays so.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds
saturated(const std::chrono::duration<Rep, Period>& given) noexcept {
    using std::chrono::duration;
    using std::chrono::duration_cast;
    using std::chrono::nanoseconds;
    using per_second = std::ratio<std::nano::den, Period::den>;
    using number = std::conditional_t<std::is_same_v<Rep, long double>, long double, double>;
    // Then duration_cast only multiplies or only divides, and gets right what the result can hold.
    constexpr bool is_whole = !std::chrono::treat_as_floating_point_v<Rep> &&
                              (per_second::den == 1 ? Period::num <= INTMAX_MAX / per_second::num
                                                    : per_second::num == 1 && Period::num == 1);
    constexpr number longest = 9'223'372'036; // a second below the limit, for the roundings

    const number seconds = duration_cast<duration<number>>(given).count();
    if (seconds >= longest) {
        return (nanoseconds::max)();
    }
    if (seconds <= -longest) {
        return (nanoseconds::min)();
    }
    nanoseconds exact{0};
    if constexpr (is_whole) {
        exact = duration_cast<nanoseconds>(given);
    } else if (seconds < longest) { // it is not for NaN
        exact = nanoseconds(static_cast<nanoseconds::rep>(seconds * std::nano::den));
    }
    if (exact.count() == 0) {
        exact = nanoseconds(seconds > 0 ? 1 : seconds < 0 ? -1 : 0);
    }
    return exact;
}

} // namespace detail

/// A std::chrono::nanoseconds that any duration turns into without overflow:
///
///     fire_and_forget({.after = 1.5s, .expires = std::chrono::hours::max()}, refresh);
///     pool.drain(std::chrono::duration<double>(seconds));
///
/// What is longer than it can hold, 292 years, lasts for ever: such a time never comes. What is
/// shorter than a nanosecond, but not 0, is one. Infinity is for ever, NaN is 0. A plain number
/// does not say its unit, and does not compile; nor does a point in time.
class time_span : public std::chrono::nanoseconds {
public:
    /// 0.
    constexpr time_span() noexcept : std::chrono::nanoseconds(0) {}

    /// As long as `given`: any std::chrono::duration, or what turns into std::chrono::nanoseconds.
    template <detail::meant_as_time_span T>
    constexpr time_span(const T& given) noexcept : std::chrono::nanoseconds(convert(given)) {}

    /// As long as it takes: a time that does not come. Another name for faf::forever.
    static constexpr time_span endless() noexcept;

private:
    template <class T>
    static constexpr std::chrono::nanoseconds convert(const T& given) noexcept {
        static_assert(!detail::plain_number<T>,
                      "fire_and_forget: a plain number does not say how long: write 5s, or "
                      "std::chrono::milliseconds(5).");
        static_assert(!detail::some_time_point<T>,
                      "fire_and_forget: a point in time does not say how long: write how far away "
                      "it is, as in due - now.");
        if constexpr (detail::some_duration<T>) {
            return detail::saturated(given);
        } else if constexpr (std::convertible_to<const T&, std::chrono::nanoseconds>) {
            return given;
        } else {
            return {};
        }
    }
};

constexpr time_span time_span::endless() noexcept {
    return {(std::chrono::nanoseconds::max)()};
}

/// As long as it takes: a time that does not come.
///
///     faf::thread_pool pool({.exit_timeout = faf::forever});  // its destructor waits for all
///
/// Where Qt's macro of that name is seen, it is time_span::endless().
#pragma push_macro("forever")
#undef forever
inline constexpr time_span forever = time_span::endless();
#pragma pop_macro("forever")

} // namespace faf::inline FIRE_AND_FORGET_ABI
