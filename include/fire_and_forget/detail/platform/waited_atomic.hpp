// SPDX-License-Identifier: MIT
#pragma once

// An atomic that threads wait on. library_threads.hpp has one, as have the doorbell and the claims.

#include "abi.hpp"

#include <atomic>

#if defined(__GLIBCXX__) && !defined(__linux__)
#include <condition_variable>
#include <mutex>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(__GLIBCXX__) && !defined(__linux__)

/// Where the system has no futex that it knows, libstdc++'s own wait (GCC 12) looks at the value,
/// and then sleeps until the next notification: one in between is lost.
template <class T>
class waited_atomic : public std::atomic<T> {
public:
    using std::atomic<T>::atomic;

    void wait(T old, std::memory_order order = std::memory_order_seq_cst) const {
        std::unique_lock lock(mutex_);
        while (this->load(order) == old) {
            changed_.wait(lock);
        }
    }

    void notify_one() noexcept {
        wait_for_those_that_look();
        changed_.notify_one();
    }
    void notify_all() noexcept {
        wait_for_those_that_look();
        changed_.notify_all();
    }

private:
    void wait_for_those_that_look() noexcept { const std::lock_guard lock(mutex_); }

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
};

#else

template <class T>
using waited_atomic = std::atomic<T>;

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
