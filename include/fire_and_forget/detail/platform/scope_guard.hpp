// SPDX-License-Identifier: MIT
#pragma once

// What is to be done at the end of a scope, whichever way it is left: also where a task ends its
// thread by force. Worker loops and all who wait use it.

#include "abi.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Calls `at_the_end`, which must not throw, when it goes.
///
///     const scope_guard at_the_end([&] { waiters.fetch_sub(1); });
template <class Fn>
class scope_guard {
public:
    explicit scope_guard(Fn at_the_end) noexcept : at_the_end_(std::move(at_the_end)) {}
    ~scope_guard() { at_the_end_(); }
    scope_guard(const scope_guard&) = delete;
    scope_guard& operator=(const scope_guard&) = delete;

private:
    Fn at_the_end_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
