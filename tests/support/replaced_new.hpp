// SPDX-License-Identifier: MIT
#pragma once

// This program's own operator new and delete. counted_memory.hpp and failing_memory.hpp say what
// they do besides. To be included by one source file of a program only.

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(_WIN32)
#include <malloc.h>
#endif

namespace faf_test {

#if defined(_WIN32)
inline void* allocate_from_system(std::size_t size, std::size_t alignment) noexcept {
    return _aligned_malloc(size == 0 ? 1 : size, alignment);
}
inline void release_to_system(void* memory) noexcept {
    _aligned_free(memory);
}
#else
inline void* allocate_from_system(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    return alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded)
                                                 : std::malloc(size == 0 ? 1 : size);
}
inline void release_to_system(void* memory) noexcept {
    std::free(memory);
}
#endif

// What whoever includes this defines.

/// Null where there is none.
inline void* new_memory(std::size_t size, std::size_t alignment) noexcept;

inline void delete_memory(void* memory) noexcept;

inline void* new_memory_or_throw(std::size_t size, std::size_t alignment) {
    void* const memory = new_memory(size, alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

/// Out of line: GCC takes an inlined free for a mismatch with operator new.
[[gnu::noinline]] inline void delete_memory_apart(void* memory) noexcept {
    delete_memory(memory);
}

} // namespace faf_test

void* operator new(std::size_t size) {
    return faf_test::new_memory_or_throw(size, 1);
}
void* operator new[](std::size_t size) {
    return faf_test::new_memory_or_throw(size, 1);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return faf_test::new_memory(size, 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return faf_test::new_memory(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return faf_test::new_memory_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return faf_test::new_memory(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete[](void* memory) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    faf_test::delete_memory_apart(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    faf_test::delete_memory_apart(memory);
}
