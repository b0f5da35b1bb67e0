// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/task/callable.hpp>

#include "catch.hpp"

#include <functional>
#include <memory>
#include <string>

using namespace faf::detail;

namespace {

struct account {
    int balance = 0;
    void add(int);
};

struct move_only {
    move_only() = default;
    move_only(move_only&&) = default;
    void operator()() const;
};

#if defined(__cpp_lib_jthread)

/// Whether fn(args...) gets a token, and whether it is called without one, in every run of many.
template <class Fn, class... Args>
constexpr bool gets_token(Fn, Args...) {
    return takes_stop_token<Fn, Args...> && is_callable<Fn, Args...>;
}
template <class Fn, class... Args>
constexpr bool gets_none(Fn, Args...) {
    return is_callable<Fn, Args...> && !takes_stop_token<Fn, Args...> &&
           !takes_stop_token<Fn&, Args&...>;
}

[[maybe_unused]] void print(int) {}

struct overloaded {
    void operator()(std::stop_token, int) const;
    void operator()(int) const;
};
struct overloaded_and_mutable {
    void operator()(const std::stop_token&);
    void operator()();
};
struct once_only {
    void operator()(std::stop_token, int) &&;
    void operator()(int) &&;
};
struct generic_but_for_a_token {
    void operator()(auto...) const;
    void operator()(std::stop_token, int) const;
};
struct turns_into_function {
    using function = void (*)(int);
    operator function() const { return &print; }
};

// What names a stop_token gets one, by std::jthread's rule.
static_assert(gets_token(static_cast<void (*)(std::stop_token, int)>(nullptr), 5));
static_assert(gets_token([](std::stop_token) {}));
static_assert(gets_token([](const std::stop_token&, auto) {}, 5));
static_assert(gets_token([](std::stop_token, auto...) {}));
static_assert(gets_token(
    [](std::stop_token stop, auto... args) {
        static_cast<void>(stop.stop_requested());
        (print(args), ...);
    },
    5, 6));
static_assert(gets_token([](std::stop_token&&, auto...) mutable {}, 5));
static_assert(takes_stop_token<std::function<void(std::stop_token)>>);
static_assert(gets_token(overloaded(), 5));
static_assert(gets_token(overloaded_and_mutable()));
static_assert(takes_stop_token<once_only, int>);
static_assert(gets_token(generic_but_for_a_token(), 5));

// So does what can't be called without it.
static_assert(gets_token([](auto stop) { static_cast<void>(stop.stop_requested()); }));
static_assert(gets_token([](auto stop, int) { static_cast<void>(stop.stop_requested()); }, 5));

// What would take anything, and can do without, gets none, and need not compile with it.
static_assert(gets_none([](auto... args) { (print(args), ...); }));
static_assert(gets_none([](auto... args) { print(args...); }, 5));
static_assert(gets_none([](auto&&... args) { print(args...); }, 5));
static_assert(gets_none([](const auto&... args) { print(args...); }, 5));
static_assert(gets_none([](auto... args) mutable { print(args...); }, 5));
static_assert(gets_none([](auto one) { print(one); }, 5));
static_assert(gets_none([](int, auto... rest) { (print(rest), ...); }, 5, 6));
static_assert(gets_none(std::bind_front(print), 5));
static_assert(gets_none(turns_into_function(), 5));
static_assert(gets_none(print, 5));

#endif

// What may be empty
static_assert(nullable<void (*)()>);
static_assert(nullable<int account::*>);
static_assert(nullable<void (account::*)(int)>);
static_assert(nullable<std::function<void()>>);
static_assert(!nullable<move_only>);
static_assert(!nullable<decltype([] {})>, "though it turns into a pointer");
static_assert(!nullable<std::reference_wrapper<std::function<void()>>>);

} // namespace

TEST_CASE("a null pointer and an empty std::function are empty") {
    CHECK(is_empty(static_cast<void (*)()>(nullptr)));
    CHECK(is_empty(static_cast<int account::*>(nullptr)));
    CHECK(is_empty(std::function<void()>()));
    CHECK_FALSE(is_empty(std::function<void()>([] {})));
    CHECK_FALSE(is_empty(&account::balance)); // the first member: an offset of zero
    CHECK_FALSE(is_empty([] {}));
}
