// SPDX-License-Identifier: MIT
#pragma once

// Wake-ups that the system loses, and waits that end for no reason, of atomics, which wait and
// notify through syscall(). To be included by one source file of a program only. Condition
// variables have their own way to the system and are left alone.

#include "own_syscall.hpp"

#include <atomic>
#include <cerrno>
#include <optional>

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

std::optional<long> answer_instead(const system_call& call) noexcept {
    if (call.number != SYS_futex) {
        return {};
    }
    const long what = call.arguments[1] & FUTEX_CMD_MASK;
    if (what == FUTEX_WAKE && futexes.loses_wake()) {
        return 0;
    }
    if ((what == FUTEX_WAIT || what == FUTEX_WAIT_BITSET) && futexes.ends_wait()) {
        errno = futexes.waits % 2 == 0 ? EINTR : EAGAIN;
        return -1;
    }
    return {};
}

} // namespace faf_test
