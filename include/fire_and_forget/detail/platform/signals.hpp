// SPDX-License-Identifier: MIT
#pragma once

// Which signals the threads of the library take: none. signal_heir.hpp tells what follows from that.

#include "abi.hpp"
#include "platform.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(FIRE_AND_FORGET_HAS_POSIX)

inline constexpr int most_signals = 64;

/// What the library's threads block: all but faults and profiling ticks, which crash handlers,
/// sanitizers and profilers need.
inline sigset_t library_mask() noexcept {
    constexpr int kept[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,  SIGTRAP,
                            SIGABRT, SIGSYS, SIGPROF, SIGKILL, SIGSTOP}; // the last two have to be
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int one : kept) {
        sigdelset(&blocked, one);
    }
    return blocked;
}

/// The mask of the thread that used the library first.
class program_mask {
public:
    static void note(const sigset_t& of_caller) noexcept {
        stage nothing = stage::none;
        if (known.load(std::memory_order_relaxed) == stage::none &&
            known.compare_exchange_strong(nothing, stage::storing, std::memory_order_relaxed)) {
            mask = of_caller;
            known.store(stage::stored, std::memory_order_release);
        }
    }

    /// Blocks nothing if none has been noted.
    static sigset_t get() noexcept {
        sigset_t noted;
        sigemptyset(&noted);
        return known.load(std::memory_order_acquire) == stage::stored ? mask : noted;
    }

private:
    enum class stage : std::uint8_t { none, storing, stored };
    static inline constinit std::atomic<stage> known{stage::none};
    static inline sigset_t mask{};
};

/// While it lives, a thread that is started inherits a mask that keeps the program's signal handlers
/// off it.
class signals_blocked {
public:
    signals_blocked() noexcept {
        const sigset_t blocked = library_mask();
        pthread_sigmask(SIG_BLOCK, &blocked, &before_);
        program_mask::note(before_);
    }
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;

private:
    sigset_t before_;
};

/// On a thread with the mask of the library's, or one that such a thread has started: takes the
/// program's. For the first thread of a forked child, which could not be ended otherwise.
inline void leave_library_mask() noexcept {
    const sigset_t of_library = library_mask();
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    for (int number = 1; number <= most_signals; ++number) {
        if (sigismember(&now, number) != sigismember(&of_library, number)) {
            return;
        }
    }
    const sigset_t of_program = program_mask::get();
    pthread_sigmask(SIG_SETMASK, &of_program, nullptr);
}

#else

struct signals_blocked {
    signals_blocked() noexcept {}
};
inline void leave_library_mask() noexcept {}

#endif

#if defined(__linux__)

inline bool is_main_thread() noexcept {
    return thread_number() == process_number();
}

/// Whether the main thread has ended, and the others go on. False where the system does not tell.
inline bool has_main_thread_ended() noexcept {
    return shown_state(process_number()) == 'Z';
}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
