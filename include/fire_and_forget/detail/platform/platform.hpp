// SPDX-License-Identifier: MIT
#pragma once

// Whatever differs between systems, compilers and standard libraries. Every other header is written
// as if there were one of each.

#include "abi.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>
#include <version>

#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#define FIRE_AND_FORGET_HAS_CXXABI 1
#endif

#if __has_include(<unistd.h>) && !defined(_WIN32)
#include <cerrno>
#include <csignal>
#include <pthread.h>
#include <unistd.h>
#define FIRE_AND_FORGET_HAS_POSIX 1
#if defined(__linux__)
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#else
#include <io.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(__cpp_lib_jthread)
using stop_token = std::stop_token;
using stop_source = std::stop_source;
#else
/// Stands in where the standard library keeps std::stop_token back (libc++ without
/// -fexperimental-library): nothing is ever asked to stop.
struct stop_token {
    static constexpr bool stop_possible() noexcept { return false; }
    static constexpr bool stop_requested() noexcept { return false; }
    friend constexpr bool operator==(stop_token, stop_token) noexcept { return true; }
};
struct stop_source {
    static constexpr stop_token get_token() noexcept { return {}; }
    static constexpr bool request_stop() noexcept { return false; }
};
#endif

/// Holds a value that no static destructor ends, so that background threads and code that runs late
/// in exit() may go on using it.
template <class T>
class never_destroyed {
public:
    template <class... Args>
    explicit never_destroyed(Args&&... args) {
        ::new (static_cast<void*>(place_)) T(std::forward<Args>(args)...);
    }
    never_destroyed(const never_destroyed&) = delete;
    never_destroyed& operator=(const never_destroyed&) = delete;

    T& operator*() noexcept { return *std::launder(static_cast<T*>(static_cast<void*>(place_))); }

private:
    alignas(T) std::byte place_[sizeof(T)];
};

/// The readable name of the type of the exception now being handled; empty where it can't be told.
/// Falls back to the mangled name when there is no memory for the other.
class current_exception_type {
public:
    current_exception_type() noexcept {
#if defined(FIRE_AND_FORGET_HAS_CXXABI)
        if (const std::type_info* type = abi::__cxa_current_exception_type()) {
            int status = 0;
            demangled_ = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
            name_ = demangled_ != nullptr ? demangled_ : type->name();
        }
#endif
    }
    ~current_exception_type() {
        std::free(demangled_);
    }
    current_exception_type(const current_exception_type&) = delete;
    current_exception_type& operator=(const current_exception_type&) = delete;

    const char* name() const noexcept {
        return name_;
    }

private:
    const char* name_ = "";
    char* demangled_ = nullptr;
};

#if defined(FIRE_AND_FORGET_HAS_POSIX)

/// While it lives, pthread_cancel of this thread waits: a sink is not torn in the middle of a line.
class cancellation_deferred {
public:
#if defined(PTHREAD_CANCEL_DISABLE)
    cancellation_deferred() noexcept {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
    }
    ~cancellation_deferred() {
        pthread_setcancelstate(before_, nullptr);
    }
#else
    cancellation_deferred() noexcept {}
    ~cancellation_deferred() {}
#endif
    cancellation_deferred(const cancellation_deferred&) = delete;
    cancellation_deferred& operator=(const cancellation_deferred&) = delete;

private:
    int before_ = 0;
};

/// Writes to standard error in one call. A closed pipe there must not end the process, whoever's
/// thread this is: a SIGPIPE that the write raises is taken back.
inline void write_stderr(const char* text, std::size_t size) noexcept {
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

struct cancellation_deferred {
    cancellation_deferred() noexcept {}
};

inline void write_stderr(const char* text, std::size_t size) noexcept {
    (void)::_write(2, text, static_cast<unsigned>(size));
}

#endif

/// The UTC calendar date and time of `seconds`.
inline std::tm utc_of(std::time_t seconds) noexcept {
    std::tm utc{};
#if defined(FIRE_AND_FORGET_HAS_POSIX)
    gmtime_r(&seconds, &utc);
#else
    gmtime_s(&utc, &seconds);
#endif
    return utc;
}

#if defined(__GLIBC__)
extern "C" {
int at_exit_of_module(void (*)(void*), void*, void*) noexcept __asm__("__cxa_atexit");
extern void* this_module __asm__("__dso_handle") __attribute__((visibility("hidden")));
}
#endif

/// Has `Step` called when the program ends, or the module that this is part of is unloaded. As
/// std::atexit, but ThreadSanitizer's knows only the end of the program. False without memory. Not for
/// direct use: see call_at_exit in process.hpp.
template <void (*Step)()>
bool add_exit_step() noexcept {
#if defined(__GLIBC__)
    return at_exit_of_module([](void*) { Step(); }, nullptr, &this_module) == 0;
#else
    return std::atexit(Step) == 0;
#endif
}

/// Tells a process from the ones it forks.
inline long process_number() noexcept {
#if defined(FIRE_AND_FORGET_HAS_POSIX)
    return ::getpid();
#else
    return 0;
#endif
}

/// Has functions called around each fork: before it, and after it in the parent and in the child. Does
/// nothing where processes do not fork, or without memory.
inline void watch_forks([[maybe_unused]] void (*before)(),
                        [[maybe_unused]] void (*after_in_parent)(),
                        [[maybe_unused]] void (*after_in_child)()) noexcept {
#if defined(FIRE_AND_FORGET_HAS_POSIX)
    static_cast<void>(::pthread_atfork(before, after_in_parent, after_in_child));
#endif
}

/// From now on the calling thread sleeps no longer than it asks to: Linux adds up to 50 us, to let
/// wake-ups fall together.
inline void wake_up_on_time() noexcept {
#if defined(__linux__)
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#endif
}

/// What the calling thread is known by to shown_state() and cpu_time_of().
inline long thread_number() noexcept {
#if defined(__linux__)
    return ::syscall(SYS_gettid);
#else
    return 0;
#endif
}

/// What the system shows as the state of a thread of this process; '?' where it does not tell, or has
/// no descriptor for that.
inline char shown_state([[maybe_unused]] long number) noexcept {
    char state = '?';
#if defined(__linux__)
    char text[64];
    std::snprintf(text, sizeof text, "/proc/self/task/%ld/stat", number);
    const int error_before = errno;
    const int file = ::open(text, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        // "number (name) state ...": the name has 15 bytes at most and may hold anything
        const ssize_t got = ::read(file, text, sizeof text);
        for (ssize_t i = got - 3; i >= 0 && state == '?'; --i) {
            state = text[i] == ')' && text[i + 1] == ' ' ? text[i + 2] : state;
        }
        ::close(file);
    }
    errno = error_before;
#endif
    return state;
}

/// Whether a thread runs, or would if it had a processor.
enum class thread_activity : std::uint8_t { able, blocked, unknown };

inline thread_activity activity_of(long number) noexcept {
    const char state = shown_state(number);
    return state == 'R'   ? thread_activity::able
           : state == '?' ? thread_activity::unknown
                          : thread_activity::blocked;
}

/// How long a thread of this process has had a processor; negative where the system does not tell. Needs
/// no descriptor.
inline std::chrono::nanoseconds cpu_time_of([[maybe_unused]] long number) noexcept {
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

/// Names the calling thread for debuggers and `top -H`. Linux shows 15 characters.
inline void name_this_thread(const char* name) noexcept {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#else
    (void)name;
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
