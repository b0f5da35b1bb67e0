// SPDX-License-Identifier: MIT
#pragma once

// The threads of the system, where std::thread does not do: one that ends can't hand on its own
// handle there. library_threads.hpp keeps them.

#include "abi.hpp"
#include "platform.hpp"

#if !defined(FIRE_AND_FORGET_HAS_POSIX)
#include "attempt.hpp"
#include <system_error>
#include <thread>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using native_body = void* (*)(void*);

#if defined(FIRE_AND_FORGET_HAS_POSIX)

using native_thread = pthread_t;

/// Starts a thread, which has to be joined, and keeps the program's signal handlers off it. 0, or
/// why it could not be.
int start_native_thread(native_body body, void* with) noexcept;

native_thread this_native_thread() noexcept;

bool is_this_thread(native_thread one) noexcept;

void join(native_thread one) noexcept;

/// Joins a thread that is not there any more; false if it is still about to end.
bool try_join(native_thread one) noexcept;

#else

/// Elsewhere threads are detached, which is sound there, and nobody can wait for their last steps.
struct native_thread {};

int start_native_thread(native_body body, void* with) noexcept;
native_thread this_native_thread() noexcept;
bool is_this_thread(native_thread) noexcept;
inline void join(native_thread) noexcept {}
bool try_join(native_thread) noexcept;

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
