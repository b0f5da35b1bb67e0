// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "platform.hpp"
#include "signals.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(FIRE_AND_FORGET_HAS_POSIX)

FIRE_AND_FORGET_ENGINE sigset_t library_mask() noexcept {
    constexpr int kept[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,  SIGTRAP,
                            SIGABRT, SIGSYS, SIGPROF, SIGKILL, SIGSTOP}; // the last two have to be
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int one : kept) {
        sigdelset(&blocked, one);
    }
    return blocked;
}

FIRE_AND_FORGET_ENGINE void program_mask::note(const sigset_t& of_caller) noexcept {
    stage nothing = stage::none;
    if (known.load(std::memory_order_relaxed) == stage::none &&
        known.compare_exchange_strong(nothing, stage::storing, std::memory_order_relaxed)) {
        mask = of_caller;
        known.store(stage::stored, std::memory_order_release);
    }
}

FIRE_AND_FORGET_ENGINE sigset_t program_mask::get() noexcept {
    sigset_t noted;
    sigemptyset(&noted);
    return known.load(std::memory_order_acquire) == stage::stored ? mask : noted;
}

FIRE_AND_FORGET_ENGINE signals_blocked::signals_blocked() noexcept {
    sigset_t blocked = library_mask();
    sigaddset(&blocked, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
    program_mask::note(before_);
}

inline void change_ticks(int how) noexcept {
    sigset_t ticks;
    sigemptyset(&ticks);
    sigaddset(&ticks, SIGPROF);
    pthread_sigmask(how, &ticks, nullptr);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE profiling_ticks_taken::profiling_ticks_taken() noexcept {
    const sigset_t of_program = program_mask::get();
    if (sigismember(&of_program, SIGPROF) != 1) {
        change_ticks(SIG_UNBLOCK);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE profiling_ticks_taken::~profiling_ticks_taken() {
    change_ticks(SIG_BLOCK);
}

FIRE_AND_FORGET_ENGINE void leave_library_mask() noexcept {
    const sigset_t of_library = library_mask();
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    for (int number = 1; number <= most_signals; ++number) {
        if (number != SIGPROF && sigismember(&now, number) != sigismember(&of_library, number)) {
            return;
        }
    }
    const sigset_t of_program = program_mask::get();
    pthread_sigmask(SIG_SETMASK, &of_program, nullptr);
}

#endif

#if defined(__linux__)

FIRE_AND_FORGET_ENGINE bool is_main_thread() noexcept {
    return thread_number() == process_number();
}

FIRE_AND_FORGET_ENGINE bool has_main_thread_ended() noexcept {
    return shown_state(process_number()) == 'Z';
}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
