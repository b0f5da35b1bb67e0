// SPDX-License-Identifier: MIT
#pragma once

// Wake-ups that the system loses, and waits that end for no reason: this program's own syscall()
// stands before the real one, and atomics wait and notify through it. To be included by one source
// file of a program only. Condition variables have their own way to the system and are left alone.

#include <atomic>
#include <cerrno>
#include <cstdarg>

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faf_test {

/// What happens to futex calls, and how often it has.
struct futex_faults {
    std::atomic<long> wakes_to_lose{0};   ///< so many from now on wake nobody
    std::atomic<long> lose_one_in{0};     ///< and one in so many after that; 0: none
    std::atomic<long> spurious_one_in{0}; ///< one wait in so many ends at once; 0: none

    std::atomic<long> wakes{0};
    std::atomic<long> waits{0};
    std::atomic<long> lost{0};
    std::atomic<long> spurious{0};

    bool loses_wake() noexcept {
        const long number = ++wakes;
        const long one_in = lose_one_in;
        bool is_lost = one_in > 0 && number % one_in == 0;
        for (long left = wakes_to_lose; left > 0 && !is_lost;) {
            is_lost = wakes_to_lose.compare_exchange_weak(left, left - 1);
        }
        lost += is_lost ? 1 : 0;
        return is_lost;
    }

    bool ends_wait() noexcept {
        const long number = ++waits;
        const long one_in = spurious_one_in;
        const bool is_spurious = one_in > 0 && number % one_in == 0;
        spurious += is_spurious ? 1 : 0;
        return is_spurious;
    }
};
inline constinit futex_faults futexes{};

} // namespace faf_test

extern "C" long syscall(long number, ...) noexcept {
    long arguments[6];
    va_list given;
    va_start(given, number);
    for (long& one : arguments) {
        one = va_arg(given, long);
    }
    va_end(given);

    if (number == SYS_futex) {
        const long what = arguments[1] & FUTEX_CMD_MASK;
        if (what == FUTEX_WAKE && faf_test::futexes.loses_wake()) {
            return 0;
        }
        if ((what == FUTEX_WAIT || what == FUTEX_WAIT_BITSET) && faf_test::futexes.ends_wait()) {
            errno = faf_test::futexes.waits % 2 == 0 ? EINTR : EAGAIN;
            return -1;
        }
    }
    // No static local, which could wait for another thread by this very function.
    using system_call = long (*)(long, ...);
    static constinit std::atomic<system_call> known{nullptr};
    system_call real = known;
    if (real == nullptr) {
        real = reinterpret_cast<system_call>(dlsym(RTLD_NEXT, "syscall"));
        known = real;
    }
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}
