// SPDX-License-Identifier: MIT
#pragma once

// Who takes the program's signals when its main thread has ended and others go on.

#include "abi.hpp"
#include "library_threads.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "signals.hpp"
#include "time.hpp"

#include <atomic>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Signals are the program's: its handlers run on its own threads, and what these block stays
/// pending for them, for sigwait, or for a signalfd, as if the library had no threads. So these
/// block all, and the keeper and the workers take none ever: a handler could be
/// long, or meet a task.
///
/// But when main has left by pthread_exit, it may be that only threads of the library are there,
/// and the process could not even be ended by SIGTERM. So main's end makes a thread that does
/// nothing but to take the signals that main would have taken: it has the mask that main had in the
/// end, and also blocks what was blocked where the library was first used. It goes when no other
/// thread of the library is left.
///
/// A main that has fired something is heard when it ends. The end of another main is looked for
/// every second.
///
/// Invariant  HEIR-1  Who starts a thread of the library counts it and then looks for the heir; an
///                    heir that goes says so and then counts. Both are seq_cst: it is one of them
///                    that sees to it that there is an heir.
class signal_heir {
public:
    static signal_heir& instance() noexcept { return of_process.get(); }

#if defined(__linux__)

    /// To be called on each thread that fires: if it is main, its end will be heard.
    void watch_this_thread() noexcept;

    /// Has an heir come if there should be one. To be called when a thread has been started.
    void come_if_needed() noexcept;

    /// Sees what has become of main, if nothing else will. Returns when to do it again.
    steady_time look(steady_time now) noexcept;

private:
    /// Has main's end heard. thread_local would not do: glibc destroys none when main leaves.
    class key_of_main {
    public:
        key_of_main() noexcept : is_made_(pthread_key_create(&key_, &hear_end) == 0) {}
        /// At the end of the program, or when the code goes that is to hear.
        ~key_of_main();
        key_of_main(const key_of_main&) = delete;
        key_of_main& operator=(const key_of_main&) = delete;

        bool set(signal_heir& any) const noexcept;

    private:
        static void hear_end(void*) noexcept;

        pthread_key_t key_{};
        const bool is_made_;
    };

    void inherit(const sigset_t& blocked_by_main) noexcept;

    static void live(void* self, void*);

    std::atomic<bool> is_watched_{false};
    std::atomic<bool> has_inherited_{false};
    std::atomic<bool> has_main_ended_{false};
    std::atomic<bool> is_here_{false};
    sigset_t mask_{};         ///< constant when has_main_ended_
    steady_time next_look_{}; ///< the keeper's

#else

    void watch_this_thread() noexcept {}
    void come_if_needed() noexcept {}
    steady_time look(steady_time) noexcept {
        return never;
    }

#endif

private:
    static one_per_process<signal_heir> of_process;
};

inline constinit one_per_process<signal_heir> signal_heir::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
