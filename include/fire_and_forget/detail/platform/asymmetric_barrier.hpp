// SPDX-License-Identifier: MIT
#pragma once

// Memory barriers of which one side is free: the part of platform.hpp that only the lock-free
// headers need. doorbell.hpp and worker_loop.hpp tell where they are used.

#include "abi.hpp"
#include "platform.hpp"
#include "windows.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

#if defined(__linux__) && __has_include(<linux/membarrier.h>)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

inline constexpr std::size_t cache_line = 64;

/// Tells the processor that this is a loop that waits.
inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

/// Adds one to a count that no other thread writes. Where counts_in_one_step holds, no signal
/// handler can come in between.
#if defined(__x86_64__) && !defined(FIRE_AND_FORGET_HAS_TSAN)
inline constexpr bool counts_in_one_step = true;
inline void count_up(std::atomic<std::uint64_t>& count) noexcept {
    static_assert(sizeof count == sizeof(std::uint64_t));
    asm("addq $1, %0" : "+m"(reinterpret_cast<std::uint64_t&>(count)));
}
#else
inline constexpr bool counts_in_one_step = false;
inline void count_up(std::atomic<std::uint64_t>& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
#endif

// A stress test defines FIRE_AND_FORGET_STRESS: then lanes have tiny blocks, and the test's own
// function runs at the points where another thread's turn would hurt most.
#if defined(FIRE_AND_FORGET_STRESS)
void stress_point() noexcept;
#else
inline void stress_point() noexcept {}
#endif

/// No load after it is done before the stores before it are seen by all.
inline void full_fence() noexcept {
#if defined(FIRE_AND_FORGET_HAS_TSAN)
    // ThreadSanitizer does not know fences, and GCC warns of this one's other name. A
    // read-modify-write of a variable of its own would do for x86, but not for ARM.
    __sync_synchronize();
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// Two sides store to one variable each and then load the other's: with a light barrier between on
/// one side and a heavy one on the other, at least one sees the other's store.
///
/// Light is for the side that runs often: it only keeps the compiler from moving the store behind
/// the load. Heavy then makes every running thread of the process pass a full barrier. Where the
/// system does not offer that, both are full fences: on Linux until a worker has registered the
/// process, or for good if a sandbox refuses; under ThreadSanitizer; on systems other than Linux
/// and Windows; and under wine, where what Windows has for it does nothing (8.0).
///
/// Orderings  BARRIER-1  It becomes asymmetric in two steps with a fence between. heavy() fences
///                       before it reads the kind, and light() reads it with acquire before the
///                       caller's load. So if heavy() misses the first step, its fence is the
///                       earlier one, and the caller of a light() that sees the second sees what
///                       was stored before heavy(). With a single step he might not where stores
///                       reach one processor after the other, as on POWER.
///            BARRIER-2  It ceases to be so in two steps, too, with a pause between. From the first
///                       on light() is a fence; heavy() is only a fence after the second, when the
///                       stores are seen of each light() that was under way.
/// Cost       light() a load and a branch; heavy() 0.25 us on an idle machine, 3 us with another
///            core busy, which is interrupted for 2 us.
/// Source     membarrier(2); Hickey et al., P1202 asymmetric fences; tests/models/barrier.pml
class asymmetric_barrier {
public:
    /// While it changes, both sides do their best.
    enum class kind : std::uint8_t { undecided, symmetric, asymmetric, beginning, ending };

    [[gnu::always_inline]] static void light() noexcept {
        if constexpr (is_possible) {
            // BARRIER-1
            if (decided.load(std::memory_order_acquire) == kind::asymmetric) [[likely]] {
                std::atomic_signal_fence(std::memory_order_seq_cst);
                return;
            }
        }
        full_fence();
    }

    static void heavy() noexcept;

    /// Has the system make ready for heavy(). With many threads that takes milliseconds, so workers
    /// call it, not submitting threads. Only the first call does anything.
    static void prepare() noexcept;

    static kind current() noexcept { return decided.load(std::memory_order_relaxed); }

    /// Decides it for good if it is still undecided. Tests force the fallback with it.
    static void choose(kind decision) noexcept;

private:
#if !defined(FIRE_AND_FORGET_HAS_TSAN) &&                                                          \
    ((defined(__linux__) && defined(__NR_membarrier)) || defined(_WIN32))
    static constexpr bool is_possible = true;
    static bool register_process() noexcept;
    static bool reach_all_threads() noexcept;
#else
    static constexpr bool is_possible = false;
    static bool register_process() noexcept {
        return false;
    }
    static bool reach_all_threads() noexcept {
        return false;
    }
#endif

    /// A sandbox that was put up later refuses what was granted before. // BARRIER-2
    static void give_up() noexcept;

    static inline constinit std::atomic<kind> decided{kind::undecided};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
