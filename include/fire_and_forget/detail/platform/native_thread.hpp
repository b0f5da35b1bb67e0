// SPDX-License-Identifier: MIT
#pragma once

// The threads of the system, where std::thread does not do: one that ends can't hand on its own
// handle there. library_threads.hpp keeps them.

#include "abi.hpp"
#include "platform.hpp"

#include <cstddef>
#include <thread>

// MinGW's <thread> brings the pthreads that it is made of, if it is.
#if defined(FIRE_AND_FORGET_HAS_POSIX) || defined(WIN_PTHREADS_H)
#define FIRE_AND_FORGET_HAS_PTHREADS 1
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using native_body = void* (*)(void*);

/// In bytes: what the system gives a thread if it is not asked for more or less.
inline constexpr std::size_t usual_stack = 0;

#if defined(_WIN32)

/// A handle of the system's, for pthread_join of MinGW's and what it looks at come back while the
/// thread is still in code of the module that these pthreads are linked into.
struct native_thread {
    void* handle = nullptr;
    unsigned long number = 0;
};

#elif defined(FIRE_AND_FORGET_HAS_PTHREADS)

using native_thread = pthread_t;

#else

/// Elsewhere threads are detached, which is sound there, and nobody can wait for their last steps.
struct native_thread {};

#endif

/// Starts a thread, which has to be joined, and keeps the program's signal handlers off it. 0, or
/// why it could not be. Its stack has whole pages, and enough for the library itself; without
/// pthreads it is what the system gives.
int start_native_thread(native_body body, void* with, std::size_t stack_size) noexcept;

/// What others join the calling thread by, one of them, once.
native_thread this_native_thread() noexcept;

bool is_this_thread(native_thread one) noexcept;

void join(native_thread one) noexcept;

/// Joins a thread that is not there any more; false if it is still about to end.
bool try_join(native_thread one) noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
