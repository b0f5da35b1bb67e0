// SPDX-License-Identifier: MIT
#pragma once

// This program's own operator new and delete, which count. To be included by one source file of a
// program only.

#include "replaced_new.hpp"

#include <atomic>
#include <cstddef>

namespace faf_test {

/// What all threads have allocated together, since the program began.
struct memory_counts {
    std::atomic<long> allocations{0};
    std::atomic<long> releases{0};
    void (*while_releasing)() = nullptr; ///< called meanwhile, if a test wants that; by all threads

    /// Pieces that are in use.
    long live() const noexcept { return allocations - releases; }
};
inline constinit memory_counts counted_memory{};

inline void* new_memory(std::size_t size, std::size_t alignment) noexcept {
    counted_memory.allocations.fetch_add(1, std::memory_order_relaxed);
    return allocate_from_system(size, alignment);
}

inline void delete_memory(void* memory) noexcept {
    if (memory != nullptr) {
        counted_memory.releases.fetch_add(1, std::memory_order_relaxed);
        if (counted_memory.while_releasing != nullptr) {
            counted_memory.while_releasing();
        }
        release_to_system(memory);
    }
}

} // namespace faf_test
