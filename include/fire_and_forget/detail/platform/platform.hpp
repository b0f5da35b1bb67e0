// SPDX-License-Identifier: MIT
#pragma once

// Whatever differs between systems, compilers and standard libraries. Every other header is written
// as if there were one of each.

#include "abi.hpp"
#include "durations.hpp"
#include "windows.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <new>
#include <utility>
#include <version>

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
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#else
#include <io.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

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
    current_exception_type() noexcept;
    ~current_exception_type();
    current_exception_type(const current_exception_type&) = delete;
    current_exception_type& operator=(const current_exception_type&) = delete;

    const char* name() const noexcept { return name_; }

private:
    const char* name_ = "";
    char* demangled_ = nullptr;
};

#if defined(FIRE_AND_FORGET_HAS_POSIX)

/// While it lives, pthread_cancel of this thread waits: a sink is not torn in the middle of a line,
/// and no destructor is left by an exception. Around whatever of the library can't be left in the
/// middle and comes to where the system ends a thread: a wait, a file. What may be left are the
/// waits of drain(), of shutdown(), and for room.
class cancellation_deferred {
public:
#if defined(PTHREAD_CANCEL_DISABLE)
    cancellation_deferred() noexcept;
    ~cancellation_deferred();
#else
    cancellation_deferred() noexcept {}
    ~cancellation_deferred() {}
#endif
    cancellation_deferred(const cancellation_deferred&) = delete;
    cancellation_deferred& operator=(const cancellation_deferred&) = delete;

private:
    int before_ = 0;
};

#else

struct cancellation_deferred {
    cancellation_deferred() noexcept {}
};

#endif

/// Writes to standard error in one call. A closed pipe there must not end the process, whoever's
/// thread this is: a SIGPIPE that the write raises is taken back.
void write_stderr(const char* text, std::size_t size) noexcept;

/// The UTC calendar date and time of `seconds`.
std::tm utc_of(std::time_t seconds) noexcept;

#if defined(__GLIBC__)
extern "C" {
int at_exit_of_module(void (*)(void*), void*, void*) noexcept __asm__("__cxa_atexit");
extern void* this_module __asm__("__dso_handle") __attribute__((visibility("hidden")));
}
#endif

/// Has `Step` called when the program ends, or the module that this is part of is unloaded. As
/// std::atexit, but ThreadSanitizer's knows only the end of the program. False without memory. Not
/// for direct use: see call_at_exit in process.hpp.
template <void (*Step)()>
bool add_exit_step() noexcept {
#if defined(__GLIBC__)
    return at_exit_of_module([](void*) { Step(); }, nullptr, &this_module) == 0;
#else
    return std::atexit(Step) == 0;
#endif
}

/// Tells a process from the ones it forks.
long process_number() noexcept;

/// Has functions called around each fork: before it, and after it in the parent and in the child.
/// Does nothing where processes do not fork, or without memory.
void watch_forks([[maybe_unused]] void (*before)(), [[maybe_unused]] void (*after_in_parent)(),
                 [[maybe_unused]] void (*after_in_child)()) noexcept;

/// From now on the calling thread sleeps no longer than it asks to: Linux adds up to 50 us, to let
/// wake-ups fall together.
void wake_up_on_time() noexcept;
void wake_up_as_usual() noexcept;

/// What the calling thread is known by to shown_state() and cpu_time_of().
long thread_number() noexcept;

/// What the system shows as the state of a thread of this process; '?' where it does not tell, or
/// has no descriptor for that.
char shown_state([[maybe_unused]] long number) noexcept;

/// Whether a thread of this process waits for a mutex, or to change what memory the process has.
/// False where the system does not tell, or has no descriptor for that.
bool is_at_lock([[maybe_unused]] long number) noexcept;

/// Whether a thread runs, or would if it had a processor; if not, whether it is at a lock, and who
/// holds that may be waiting for a processor.
enum class thread_activity : std::uint8_t { able, blocked, at_lock, unknown };

thread_activity activity_of(long number) noexcept;

/// How long a thread of this process has had a processor; negative where the system does not tell.
/// Needs no descriptor.
std::chrono::nanoseconds cpu_time_of([[maybe_unused]] long number) noexcept;

/// Names the calling thread for debuggers and `top -H`. Linux shows 15 characters.
void name_this_thread(const char* name) noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
