// SPDX-License-Identifier: MIT
#pragma once

// The threads of the system, where std::thread does not do: one that ends can't hand on its own handle
// there. library_threads.hpp keeps them.

#include "abi.hpp"
#include "platform.hpp"
#include "signals.hpp"

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
inline int start_native_thread(native_body body, void* with) noexcept {
    const signals_blocked inherited;
    pthread_t fresh{};
    return pthread_create(&fresh, nullptr, body, with);
}

inline native_thread this_native_thread() noexcept {
    return pthread_self();
}

inline bool is_this_thread(native_thread one) noexcept {
    return pthread_equal(one, pthread_self()) != 0;
}

inline void join(native_thread one) noexcept {
    const cancellation_deferred whole;
    pthread_join(one, nullptr);
}

/// Joins a thread that is not there any more; false if it is still about to end.
inline bool try_join(native_thread one) noexcept {
#if defined(__linux__) && !defined(__ANDROID__)
    return pthread_tryjoin_np(one, nullptr) == 0;
#else
    const bool is_gone = pthread_kill(one, 0) == ESRCH;
    if (is_gone) {
        join(one);
    }
    return is_gone;
#endif
}

#else

/// Elsewhere threads are detached, which is sound there, and nobody can wait for their last steps.
struct native_thread {};

inline int start_native_thread(native_body body, void* with) noexcept {
    int error = 0;
    attempt([&] { std::thread(body, with).detach(); },
            [&] { error = static_cast<int>(std::errc::resource_unavailable_try_again); });
    return error;
}
inline native_thread this_native_thread() noexcept {
    return {};
}
inline bool is_this_thread(native_thread) noexcept {
    return false;
}
inline void join(native_thread) noexcept {}
inline bool try_join(native_thread) noexcept {
    return true;
}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
