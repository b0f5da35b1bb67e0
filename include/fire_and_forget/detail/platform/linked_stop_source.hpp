// SPDX-License-Identifier: MIT
#pragma once

// One stop_token out of two: a task's own and its executor's.

#include "abi.hpp"
#include "library_memory.hpp"
#include "platform.hpp"
#include "stop_callback.hpp"
#include "stop_token.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A token that stops when either of two does. Only a task that takes a token and was given one of
/// its own pays for it.
class linked_stop_source : public library_memory {
public:
    linked_stop_source(const stop_token& a, const stop_token& b)
        : both_(new_stop_source()), on_a_(a, relay{&both_}), on_b_(b, relay{&both_}) {}
    stop_token get_token() const noexcept { return both_.get_token(); }

private:
    struct relay {
        stop_source* to;
        void operator()() const noexcept;
    };
    kept_stop_source both_;
    stop_callback<relay> on_a_;
    stop_callback<relay> on_b_;
};

/// The same for a task that comes to several executors: one source for each that it has asked for
/// a token on. Not thread-safe: the task asks, wherever it runs.
class linked_stop_sources {
public:
    stop_token get_token(const stop_token& own, const stop_token& of_executor);

private:
    struct entry : library_memory {
        entry(const stop_token& own, const stop_token& on) : of_executor(on), both(own, on) {}

        stop_token of_executor;
        linked_stop_source both;
        std::unique_ptr<entry> before;
    };
    std::unique_ptr<entry> latest_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
