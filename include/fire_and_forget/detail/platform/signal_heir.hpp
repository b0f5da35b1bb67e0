// SPDX-License-Identifier: MIT
#pragma once

// Who takes the program's signals when its main thread has ended and others go on.

#include "abi.hpp"
#include "library_threads.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "signals.hpp"
#include "thread_state.hpp"
#include "time.hpp"

#include <atomic>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Signals are the program's: its handlers run on its own threads, and what these block stays
/// pending for them, for sigwait, or for a signalfd, as if the library had no threads. So these block
/// all, and the keeper and the workers take none ever: a handler could be long, or meet a task.
///
/// But when main has left by pthread_exit, it may be that only threads of the library are there, and
/// the process could not even be ended by SIGTERM. So main's end makes a thread that does nothing but
/// to take the signals that main would have taken: it has the mask that main had in the end, and also
/// blocks what was blocked where the library was first used. It goes when no other thread of the
/// library is left.
///
/// A main that has fired something is heard when it ends. The end of another main is looked for
/// every second.
///
/// Invariant  H1  Who starts a thread of the library counts it and then looks for the heir; an heir
///                that goes says so and then counts. Both are seq_cst: it is one of them that sees to
///                it that there is an heir.
class signal_heir {
public:
    static signal_heir& instance() noexcept {
        static constinit one_per_process<signal_heir> one;
        return one.get();
    }

#if defined(__linux__)

    /// To be called on each thread that fires: if it is main, its end will be heard.
    void watch_this_thread() noexcept {
        if (!std::exchange(this_thread.is_watched, true) && is_main_thread()) {
            const settings_lock held; // so no child is forked in the middle of the initialization
            static const key_of_main key;
            is_watched_ = key.set(*this);
        }
    }

    /// Has an heir come if there should be one. To be called when a thread has been started.
    void come_if_needed() noexcept {
        library_threads& threads = library_threads::instance();
        if (has_main_ended_.load() && threads.at_work() > 0 && !is_here_.exchange(true)) { // H1
            is_here_ = threads.start(&live, this, nullptr) == 0;
        }
    }

    /// Sees what has become of main, if nothing else will. Returns when to do it again.
    steady_time look(steady_time now) noexcept {
        if (is_here_ || (is_watched_ && !has_main_ended_)) {
            return never;
        }
        if (next_look_ <= now) {
            next_look_ = later(now, std::chrono::seconds(1));
            if (has_main_ended_ || has_main_thread_ended()) {
                inherit(program_mask::get());
            }
        }
        return next_look_;
    }

private:
    /// Has main's end heard. thread_local would not do: glibc destroys none when main leaves.
    class key_of_main {
    public:
        key_of_main() noexcept : is_made_(pthread_key_create(&key_, &hear_end) == 0) {}
        /// At the end of the program, or when the code goes that is to hear.
        ~key_of_main() {
            if (is_made_) {
                pthread_key_delete(key_);
            }
        }
        key_of_main(const key_of_main&) = delete;
        key_of_main& operator=(const key_of_main&) = delete;

        bool set(signal_heir& any) const noexcept {
            return is_made_ && pthread_setspecific(key_, &any) == 0;
        }

    private:
        static void hear_end(void*) noexcept {
            if (is_main_thread()) { // not one that has made another process
                sigset_t blocked;
                pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
                instance().inherit(blocked);
            }
        }

        pthread_key_t key_{};
        const bool is_made_;
    };

    void inherit(const sigset_t& blocked_by_main) noexcept {
        if (!has_inherited_.exchange(true)) {
            mask_ = program_mask::get();
            for (int number = 1; number <= most_signals; ++number) {
                if (sigismember(&blocked_by_main, number) == 1) {
                    sigaddset(&mask_, number);
                }
            }
            has_main_ended_ = true;
        }
        come_if_needed();
    }

    static void live(void* self, void*) {
        name_this_thread("faf/signals");
        signal_heir& heir = *static_cast<signal_heir*>(self);
        library_threads& threads = library_threads::instance();
        pthread_sigmask(SIG_SETMASK, &heir.mask_, nullptr);
        do {
            threads.wait_until_alone();
            heir.is_here_ = false; // H1
        } while (threads.at_work() > 1 && !heir.is_here_.exchange(true));
    }

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
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
