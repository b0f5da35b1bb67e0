// SPDX-License-Identifier: MIT
#pragma once

// The system starts no thread: this program's own pthread_create stands before the real one; the
// linker finds it first. To be included by one source file of a program only.

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <dlfcn.h>
#include <pthread.h>

namespace faf_test {

/// Which calls of pthread_create are refused, and how many were.
struct thread_refusals {
    std::atomic<long> first{0};
    std::atomic<long> last{-1}; ///< those numbered [first, last], from 0
    std::atomic<long> calls{0};
    std::atomic<long> refused{0};
    std::atomic<bool> take_time{false}; ///< refused calls return when this is false

    static constexpr long never_again = 1L << 40;

    void refuse(long from, long to) noexcept {
        first = from;
        last = to;
    }
    void refuse_none() noexcept { refuse(0, -1); }

    bool refuses_call() {
        const long call = calls++;
        if (call < first || call > last) {
            return false;
        }
        ++refused;
        while (take_time) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return true;
    }
};
inline constinit thread_refusals new_threads{};

using start_routine = void* (*)(void*);

} // namespace faf_test

// Where a sanitizer is linked in, the way to the real function leads through it.
extern "C" [[gnu::weak]] int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*,
                                                          faf_test::start_routine, void*);

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* how,
                              faf_test::start_routine start, void* argument) {
    using create_function =
        int (*)(pthread_t*, const pthread_attr_t*, faf_test::start_routine, void*);
    if (faf_test::new_threads.refuses_call()) {
        return EAGAIN;
    }
    static const create_function real =
        __interceptor_pthread_create != nullptr
            ? &__interceptor_pthread_create
            : reinterpret_cast<create_function>(dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, how, start, argument);
}
