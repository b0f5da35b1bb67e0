// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "platform.hpp"

#include <cstddef>
#include <cstdlib>
#include <ctime>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE current_exception_type::current_exception_type() noexcept {
#if defined(FIRE_AND_FORGET_HAS_CXXABI)
    if (const std::type_info* type = abi::__cxa_current_exception_type()) {
        int status = 0;
        demangled_ = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
        name_ = demangled_ != nullptr ? demangled_ : type->name();
    }
#endif
}

FIRE_AND_FORGET_ENGINE current_exception_type::~current_exception_type() {
    std::free(demangled_);
}

#if defined(FIRE_AND_FORGET_HAS_POSIX)

#if defined(PTHREAD_CANCEL_DISABLE)

FIRE_AND_FORGET_ENGINE cancellation_deferred::cancellation_deferred() noexcept {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
}

FIRE_AND_FORGET_ENGINE cancellation_deferred::~cancellation_deferred() {
    pthread_setcancelstate(before_, nullptr);
}

#endif

FIRE_AND_FORGET_ENGINE void write_stderr(const char* text, std::size_t size) noexcept {
    const cancellation_deferred whole;
    sigset_t pipe_only;
    sigset_t pending;
    sigset_t before;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    const int error_before = errno;
    const bool broken = ::write(STDERR_FILENO, text, size) < 0 && errno == EPIPE;
    if (broken && sigismember(&pending, SIGPIPE) == 0) {
        sigpending(&pending);
        if (int taken = 0; sigismember(&pending, SIGPIPE) == 1) {
            sigwait(&pipe_only, &taken);
        }
    }
    errno = error_before;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

#else

FIRE_AND_FORGET_ENGINE void write_stderr(const char* text, std::size_t size) noexcept {
    (void)::_write(2, text, static_cast<unsigned>(size));
}

#endif

FIRE_AND_FORGET_ENGINE std::tm utc_of(std::time_t seconds) noexcept {
    std::tm utc{};
#if defined(FIRE_AND_FORGET_HAS_POSIX)
    gmtime_r(&seconds, &utc);
#else
    gmtime_s(&utc, &seconds);
#endif
    return utc;
}

FIRE_AND_FORGET_ENGINE long process_number() noexcept {
#if defined(FIRE_AND_FORGET_HAS_POSIX)
    return ::getpid();
#else
    return 1; // there are no forks
#endif
}

FIRE_AND_FORGET_ENGINE void watch_forks([[maybe_unused]] void (*before)(),
                                        [[maybe_unused]] void (*after_in_parent)(),
                                        [[maybe_unused]] void (*after_in_child)()) noexcept {
#if defined(FIRE_AND_FORGET_HAS_POSIX)
    static_cast<void>(::pthread_atfork(before, after_in_parent, after_in_child));
#endif
}

FIRE_AND_FORGET_ENGINE void wake_up_on_time() noexcept {
#if defined(__linux__)
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#endif
}

FIRE_AND_FORGET_ENGINE void wake_up_as_usual() noexcept {
#if defined(__linux__)
    ::prctl(PR_SET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL); // what it began with
#endif
}

FIRE_AND_FORGET_ENGINE long thread_number() noexcept {
#if defined(__linux__)
    return ::syscall(SYS_gettid);
#else
    return 0;
#endif
}

#if defined(__linux__)

/// What the system says in a file on a thread of this process, and how much that is; negative if it
/// can't be had.
template <std::size_t Size>
ssize_t read_of_thread(long number, const char* file_name, char (&text)[Size]) noexcept {
    const cancellation_deferred whole;
    std::snprintf(text, Size, "/proc/self/task/%ld/%s", number, file_name);
    const int error_before = errno;
    const int file = ::open(text, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    if (file >= 0) {
        got = ::read(file, text, Size - 1);
        ::close(file);
    }
    errno = error_before;
    text[got > 0 ? got : 0] = '\0';
    return got;
}

#endif

FIRE_AND_FORGET_ENGINE char shown_state([[maybe_unused]] long number) noexcept {
    char state = '?';
#if defined(__linux__)
    char text[64];
    // "number (name) state ...": the name has 15 bytes at most and may hold anything
    for (ssize_t i = read_of_thread(number, "stat", text) - 3; i >= 0 && state == '?'; --i) {
        state = text[i] == ')' && text[i + 1] == ' ' ? text[i + 2] : state;
    }
#endif
    return state;
}

FIRE_AND_FORGET_ENGINE bool is_at_lock([[maybe_unused]] long number) noexcept {
    bool result = false;
#if defined(__linux__) && defined(SYS_futex)
#if defined(SYS_mmap2)
    constexpr long map_memory = SYS_mmap2;
#else
    constexpr long map_memory = SYS_mmap;
#endif
    char text[128];
    if (read_of_thread(number, "syscall", text) > 0) { // "call address operation value ..."
        char* rest = text;
        const long call = std::strtol(rest, &rest, 10);
        std::strtoull(rest, &rest, 16);
        const unsigned long long operation = std::strtoull(rest, &rest, 16);
        const unsigned long long value = std::strtoull(rest, nullptr, 16);
        constexpr unsigned long long of_glibc = 2; // it is held, and awaited
        constexpr unsigned long long of_musl = 1ULL << 31U;
        const bool is_mutex = call == SYS_futex && operation == FUTEX_WAIT_PRIVATE &&
                              (value == of_glibc || (value & of_musl) != 0);
        result = is_mutex || call == map_memory || call == SYS_munmap || call == SYS_mprotect ||
                 call == SYS_madvise || call == SYS_brk;
    }
#endif
    return result;
}

FIRE_AND_FORGET_ENGINE thread_activity activity_of(long number) noexcept {
    const char state = shown_state(number);
    return state == 'R'         ? thread_activity::able
           : state == '?'       ? thread_activity::unknown
           : is_at_lock(number) ? thread_activity::at_lock
                                : thread_activity::blocked;
}

FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds cpu_time_of([[maybe_unused]] long number) noexcept {
    std::chrono::nanoseconds used{-1};
#if defined(__linux__)
    // As pthread_getcpuclockid makes it, which wants a handle of a thread that may be gone by now.
    const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(number) << 3U) | 6U);
    std::timespec time{};
    const int error_before = errno;
    if (::clock_gettime(clock, &time) == 0) {
        used = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
    errno = error_before;
#endif
    return used;
}

FIRE_AND_FORGET_ENGINE void name_this_thread(const char* name) noexcept {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#elif defined(_WIN32)
    wchar_t wide[32]{};
    for (std::size_t i = 0; i < 31 && name[i] != '\0'; ++i) {
        wide[i] = static_cast<unsigned char>(name[i]);
    }
    static_cast<void>(::SetThreadDescription(::GetCurrentThread(), wide));
#else
    (void)name;
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
