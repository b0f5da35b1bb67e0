// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "loaded_module.hpp"
#include "native_thread.hpp"
#include "platform.hpp"
#include "signals.hpp"

#include <cerrno>
#if !defined(FIRE_AND_FORGET_HAS_PTHREADS)
#include "attempt.hpp"
#include <system_error>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(FIRE_AND_FORGET_HAS_PTHREADS)

#if defined(_WIN32)
inline constexpr bool is_detached = true; // it is joined by its handle
#else
inline constexpr bool is_detached = false;
#endif

/// At least what a report on the thread takes, and the system asks for, in whole pages.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::size_t usable_stack(std::size_t asked) noexcept {
    std::size_t least = std::size_t{64} * 1024;
#if defined(_WIN32)
    constexpr std::size_t page = 4096;
#else
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#if defined(_SC_THREAD_STACK_MIN)
    const long of_system = sysconf(_SC_THREAD_STACK_MIN); // 128 KiB on aarch64
    if (of_system > 0 && static_cast<std::size_t>(of_system) > least) {
        least = static_cast<std::size_t>(of_system);
    }
#endif
#endif
    const std::size_t wanted = asked < least ? least : asked;
    const std::size_t missing = (page - wanted % page) % page;
    return wanted + missing > wanted ? wanted + missing : wanted;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE int start_native_thread(native_body body, void* with,
                                                             std::size_t stack_size) noexcept {
    if (end_of_other_threads::has_come()) {
        return EAGAIN; // it would not run
    }
    const signals_blocked inherited;
    pthread_t fresh{};
    if (stack_size == usual_stack && !is_detached) {
        return pthread_create(&fresh, nullptr, body, with);
    }
    pthread_attr_t how;
    int error = pthread_attr_init(&how);
    if (error == 0) {
        if (stack_size != usual_stack) {
            error = pthread_attr_setstacksize(&how, usable_stack(stack_size));
        }
        if (is_detached) {
            pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
        }
        error = error == 0 ? pthread_create(&fresh, &how, body, with) : error;
        pthread_attr_destroy(&how);
    }
    return error;
}

#else

[[gnu::cold]] FIRE_AND_FORGET_ENGINE int start_native_thread(native_body body, void* with,
                                                             std::size_t) noexcept {
    int error = 0;
    attempt([&] { std::thread(body, with).detach(); },
            [&] { error = static_cast<int>(std::errc::resource_unavailable_try_again); });
    return error;
}

#endif

#if defined(_WIN32)

[[gnu::cold]] FIRE_AND_FORGET_ENGINE native_thread this_native_thread() noexcept {
    constexpr unsigned long to_wait_for_it = 0x00100000;
    const unsigned long number = ::GetCurrentThreadId();
    return {::OpenThread(to_wait_for_it, 0, number), number};
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool is_this_thread(native_thread one) noexcept {
    return one.number == ::GetCurrentThreadId();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void join(native_thread one) noexcept {
    constexpr unsigned long for_ever = 0xFFFF'FFFF;
    ::WaitForSingleObject(one.handle, for_ever);
    ::CloseHandle(one.handle);
}

/// One that has no handle stays as if it never ended.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool try_join(native_thread one) noexcept {
    const bool is_gone = one.handle != nullptr && ::WaitForSingleObject(one.handle, 0) == 0;
    if (is_gone) {
        ::CloseHandle(one.handle);
    }
    return is_gone;
}

#elif defined(FIRE_AND_FORGET_HAS_PTHREADS)

[[gnu::cold]] FIRE_AND_FORGET_ENGINE native_thread this_native_thread() noexcept {
    return pthread_self();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool is_this_thread(native_thread one) noexcept {
    return pthread_equal(one, pthread_self()) != 0;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void join(native_thread one) noexcept {
    const cancellation_deferred whole;
    pthread_join(one, nullptr);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool try_join(native_thread one) noexcept {
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

[[gnu::cold]] FIRE_AND_FORGET_ENGINE native_thread this_native_thread() noexcept {
    return {};
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool is_this_thread(native_thread) noexcept {
    return false;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void join(native_thread) noexcept {}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool try_join(native_thread) noexcept {
    return true;
}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
