// SPDX-License-Identifier: MIT
#pragma once

// A thread that does not come: stopped wherever it is, with whatever it holds, until it is told. As
// a thread is that has lost its processor for long.

#include "eventually.hpp"
#include "load.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <pthread.h>

namespace faf_test {

/// ThreadSanitizer puts off signals, so that a thread is not stopped where it is.
inline constexpr bool can_freeze = !has_thread_sanitizer;

inline int freezing_signal() noexcept {
    return SIGRTMIN + 3;
}

/// To be called on the thread that is to be frozen: the library's threads take no signals.
inline pthread_t let_be_frozen() noexcept {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, freezing_signal());
    pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
    return pthread_self();
}

/// While it lives `thread` is stopped. Its thread must live as long.
class frozen_thread {
public:
    explicit frozen_thread(pthread_t thread) {
        struct sigaction action {};
        action.sa_sigaction = [](int, siginfo_t* about, void*) {
            static_cast<frozen_thread*>(about->si_value.sival_ptr)->stand_still();
        };
        action.sa_flags = SA_SIGINFO | SA_RESTART;
        sigaction(freezing_signal(), &action, nullptr);
        sigval self{};
        self.sival_ptr = this;
        is_sent_ = pthread_sigqueue(thread, freezing_signal(), self) == 0;
        is_frozen_ = is_sent_ && eventually([this] { return state_ == state::frozen; });
    }
    ~frozen_thread() {
        state_ = state::thawing;
        if (is_sent_) { // it still reads this
            static_cast<void>(eventually([this] { return state_ == state::gone; }));
        }
    }
    frozen_thread(const frozen_thread&) = delete;
    frozen_thread& operator=(const frozen_thread&) = delete;

    /// False if it could not be stopped.
    explicit operator bool() const noexcept { return is_frozen_; }

private:
    enum class state { asked, frozen, thawing, gone };

    /// In a signal handler.
    void stand_still() noexcept {
        const int error = errno;
        for (state was = state::asked; !state_.compare_exchange_strong(was, state::frozen);) {
            if (was == state::thawing) {
                break;
            }
        }
        while (state_ != state::thawing) {
            const timespec moment{0, 200'000};
            nanosleep(&moment, nullptr);
        }
        errno = error;
        state_ = state::gone;
    }

    std::atomic<state> state_{state::asked};
    bool is_sent_ = false;
    bool is_frozen_ = false;
};

} // namespace faf_test
