// SPDX-License-Identifier: MIT
#pragma once

// Which signals the threads of the library take: none. signal_heir.hpp tells what
// follows from that.

#include "abi.hpp"
#include "platform.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(FIRE_AND_FORGET_HAS_POSIX)

inline constexpr int most_signals = 64;

/// What the library's threads block while they run code of users: all but faults and profiling
/// ticks, which crash handlers, sanitizers and profilers need.
sigset_t library_mask() noexcept;

/// The mask of the thread that used the library first.
class program_mask {
public:
    static void note(const sigset_t& of_caller) noexcept;

    /// Blocks nothing if none has been noted.
    static sigset_t get() noexcept;

private:
    enum class stage : std::uint8_t { none, storing, stored };
    static inline constinit std::atomic<stage> known{stage::none};
    static inline sigset_t mask{};
};

/// While it lives, no handlers come but those of faults, neither here nor on a thread that is
/// started meanwhile, which inherits the mask.
class signals_blocked {
public:
    signals_blocked() noexcept;
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;

private:
    sigset_t before_;
};

/// While it lives, its thread, one of the library's, takes the ticks of a profiler, if the program
/// does. Their handler may fire, and wait for room in a pool: so not before its thread is known as
/// a worker of that, nor on one that runs no code of users.
class profiling_ticks_taken {
public:
    profiling_ticks_taken() noexcept;
    ~profiling_ticks_taken();
    profiling_ticks_taken(const profiling_ticks_taken&) = delete;
    profiling_ticks_taken& operator=(const profiling_ticks_taken&) = delete;
};

/// On a thread with the mask of the library's, or one that such a thread has started: takes the
/// program's. For the first thread of a forked child, which could not be ended otherwise.
void leave_library_mask() noexcept;

#else

struct signals_blocked {
    signals_blocked() noexcept {}
};
struct profiling_ticks_taken {
    profiling_ticks_taken() noexcept {}
};
inline void leave_library_mask() noexcept {}

#endif

#if defined(__linux__)

bool is_main_thread() noexcept;

/// Whether the main thread has ended, and the others go on. False where the system does not tell.
bool has_main_thread_ended() noexcept;

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
