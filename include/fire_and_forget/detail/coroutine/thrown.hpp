// SPDX-License-Identifier: MIT
#pragma once

// What the library itself throws into coroutines.

#include "../platform/abi.hpp"

#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Thrown by a co_await in a task that was asked to stop: it is meant to unwind the coroutine.
/// Where it leaves the outermost one, the task is reported as cancelled and not as failed.
class task_cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "the task was asked to stop"; }
};

namespace detail {

/// Without exceptions, what was to be cancelled ends early instead.
#if defined(__cpp_exceptions)
[[noreturn]] void throw_cancelled();
#else
inline void throw_cancelled() {}
#endif

/// For what the program does wrong, where it can be told there.
[[noreturn]] void throw_misuse([[maybe_unused]] const char* what);

} // namespace detail
} // namespace faf::inline FIRE_AND_FORGET_ABI
