// SPDX-License-Identifier: MIT
#pragma once

// This program's own operator new and delete, which count. To be included by one source file of a
// program only.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(_WIN32)
#include <malloc.h>
#endif

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

#if defined(_WIN32)
inline void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept {
    return _aligned_malloc(size == 0 ? 1 : size, alignment);
}
inline void release_any(void* memory) noexcept {
    _aligned_free(memory);
}
#else
inline void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept {
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    return alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded)
                                                 : std::malloc(size == 0 ? 1 : size);
}
inline void release_any(void* memory) noexcept {
    std::free(memory);
}
#endif

inline void* allocate_counted(std::size_t size, std::size_t alignment) noexcept {
    counted_memory.allocations.fetch_add(1, std::memory_order_relaxed);
    return allocate_aligned(alignment, size);
}

inline void* allocate_counted_or_throw(std::size_t size, std::size_t alignment) {
    void* const memory = allocate_counted(size, alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

/// Out of line: GCC takes an inlined free for a mismatch with operator new.
[[gnu::noinline]] inline void release_counted(void* memory) noexcept {
    if (memory != nullptr) {
        counted_memory.releases.fetch_add(1, std::memory_order_relaxed);
        if (counted_memory.while_releasing != nullptr) {
            counted_memory.while_releasing();
        }
        release_any(memory);
    }
}

} // namespace faf_test

void* operator new(std::size_t size) {
    return faf_test::allocate_counted_or_throw(size, 1);
}
void* operator new[](std::size_t size) {
    return faf_test::allocate_counted_or_throw(size, 1);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return faf_test::allocate_counted(size, 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return faf_test::allocate_counted(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return faf_test::allocate_counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return faf_test::allocate_counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    faf_test::release_counted(memory);
}
void operator delete[](void* memory) noexcept {
    faf_test::release_counted(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    faf_test::release_counted(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    faf_test::release_counted(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    faf_test::release_counted(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    faf_test::release_counted(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    faf_test::release_counted(memory);
}
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    faf_test::release_counted(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    faf_test::release_counted(memory);
}
