// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "asymmetric_barrier.hpp"
#include "platform.hpp"
#include "windows.hpp"

#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void asymmetric_barrier::heavy() noexcept {
    full_fence(); // BARRIER-1
    if constexpr (is_possible) {
        const kind now = decided.load(std::memory_order_seq_cst);
        if (now >= kind::asymmetric && !reach_all_threads()) { // or is about to be, or was
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
    const kind first = decision == kind::asymmetric ? kind::beginning : decision;
    kind expected = kind::undecided;
    if (decided.compare_exchange_strong(expected, first, std::memory_order_seq_cst) &&
        first == kind::beginning) {
        full_fence(); // BARRIER-1
        expected = first;
        decided.compare_exchange_strong(expected, decision, std::memory_order_seq_cst);
    }
}

#if !defined(FIRE_AND_FORGET_HAS_TSAN) && defined(__linux__) && defined(__NR_membarrier)

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::register_process() noexcept {
    return ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0) == 0;
}

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::reach_all_threads() noexcept {
    return ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0;
}

#elif !defined(FIRE_AND_FORGET_HAS_TSAN) && defined(_WIN32)

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::register_process() noexcept {
    return ::GetProcAddress(::GetModuleHandleA("ntdll.dll"), "wine_get_version") == nullptr;
}

FIRE_AND_FORGET_ENGINE bool asymmetric_barrier::reach_all_threads() noexcept {
    ::FlushProcessWriteBuffers();
    return true;
}

#endif

FIRE_AND_FORGET_ENGINE void asymmetric_barrier::give_up() noexcept {
    const cancellation_deferred whole;
    decided.store(kind::ending, std::memory_order_seq_cst);
    std::this_thread::sleep_for(std::chrono::milliseconds(1)); // no store is on its way for so long
    full_fence();
    decided.store(kind::symmetric, std::memory_order_seq_cst); // BARRIER-2
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
