// SPDX-License-Identifier: MIT
#pragma once

// One stop_token out of two: a task's own and its executor's.

#include "abi.hpp"
#include "platform.hpp"
#include "stop_callback.hpp"
#include "stop_token.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A token that stops when either of two does. Only a task that takes a token and was given one of
/// its own pays for it.
class linked_stop_source {
public:
    linked_stop_source(const stop_token& a, const stop_token& b)
        : on_a_(a, relay{&both_}), on_b_(b, relay{&both_}) {}
    stop_token get_token() const noexcept { return both_.get_token(); }

private:
    struct relay {
        stop_source* to;
        void operator()() const noexcept;
    };
    stop_source both_;
    stop_callback<relay> on_a_;
    stop_callback<relay> on_b_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
