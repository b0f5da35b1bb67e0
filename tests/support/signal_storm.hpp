// SPDX-License-Identifier: MIT
#pragma once

// A thousand signals a second at every thread of the process, so that whatever waits in the system
// is interrupted: the handler is set without SA_RESTART.

#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faf_test {

/// To be called on a thread of the library that is to take part: they block signals.
inline void let_the_storm_in() noexcept {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

/// Rages while it lives.
class signal_storm {
public:
    signal_storm() {
        struct sigaction action {};
        action.sa_handler = [](int) { handled().fetch_add(1, std::memory_order_relaxed); };
        sigaction(SIGALRM, &action, &before_);
        const long before = handled();
        thread_ = std::thread([this] { rage(); });
        static_cast<void>(eventually([=] { return handled() > before; }));
    }
    ~signal_storm() {
        is_over_ = true;
        thread_.join();
        // One that a thread has blocked may stay pending: the handler stays for it.
    }
    signal_storm(const signal_storm&) = delete;
    signal_storm& operator=(const signal_storm&) = delete;

    /// How many signals were handled so far, in all storms.
    static std::atomic<long>& handled() noexcept {
        static constinit std::atomic<long> count{0};
        return count;
    }

private:
    void rage() const {
        const long own = syscall(SYS_gettid);
        while (!is_over_) {
            if (DIR* const threads = opendir("/proc/self/task")) {
                while (const dirent* const one = readdir(threads)) {
                    const long number = std::atol(one->d_name);
                    if (number > 0 && number != own) {
                        syscall(SYS_tgkill, getpid(), number, SIGALRM);
                    }
                }
                closedir(threads);
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    struct sigaction before_ {};
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

} // namespace faf_test
