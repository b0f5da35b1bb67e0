// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "asymmetric_barrier.hpp"
#include "platform.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

#if defined(__x86_64__) && !defined(FIRE_AND_FORGET_HAS_TSAN)

FIRE_AND_FORGET_ENGINE void count_up(std::atomic<std::uint64_t>& count) noexcept {
    static_assert(sizeof count == sizeof(std::uint64_t));
    asm("addq $1, %0" : "+m"(reinterpret_cast<std::uint64_t&>(count)));
}

#else

FIRE_AND_FORGET_ENGINE void count_up(std::atomic<std::uint64_t>& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

#endif

FIRE_AND_FORGET_ENGINE void full_fence() noexcept {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    // ThreadSanitizer does not know fences. A read-modify-write is one for the processor; on a
    // variable of its own, it makes no two threads look synchronized that are not.
    std::atomic<int> own{0};
    own.exchange(1, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

FIRE_AND_FORGET_ENGINE void asymmetric_barrier::heavy() noexcept {
    full_fence(); // B1
    if constexpr (is_possible) {
        if (decided.load(std::memory_order_seq_cst) == kind::asymmetric && !reach_all_threads()) {
            give_up();
        }
    }
}

FIRE_AND_FORGET_ENGINE void asymmetric_barrier::prepare() noexcept {
    if constexpr (is_possible) {
        if (decided.load(std::memory_order_relaxed) == kind::undecided) {
            choose(register_process() ? kind::asymmetric : kind::symmetric);
        }
    }
}

FIRE_AND_FORGET_ENGINE void asymmetric_barrier::choose(kind decision) noexcept {
    kind expected = kind::undecided;
    decided.compare_exchange_strong(expected, decision, std::memory_order_seq_cst); // B1
}

#if defined(FIRE_AND_FORGET_HAS_TSAN)

#elif defined(__linux__) && defined(__NR_membarrier)

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::register_process() noexcept {
    return ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0) == 0;
}

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::reach_all_threads() noexcept {
    return ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0;
}

#elif defined(_WIN32)

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::reach_all_threads() noexcept {
    FlushProcessWriteBuffers();
    return true;
}

#else

#endif

FIRE_AND_FORGET_ENGINE void asymmetric_barrier::give_up() noexcept {
    decided.store(kind::symmetric, std::memory_order_seq_cst);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    full_fence();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
