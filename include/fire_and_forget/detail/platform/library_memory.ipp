// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "library_memory.hpp"
#include "reentry.hpp"

#include <cstddef>
#include <new>

// None of them is inlined: GCC takes a pair of which one is for a mismatch.

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void* library_memory::operator new(std::size_t size) {
    const inside_library allocating;
    return ::operator new(size);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void*
library_memory::operator new(std::size_t size, const std::nothrow_t& or_null) noexcept {
    const inside_library allocating;
    return ::operator new(size, or_null);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void*
library_memory::operator new(std::size_t size, std::align_val_t alignment) {
    const inside_library allocating;
    return ::operator new(size, alignment);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void*
library_memory::operator new(std::size_t size, std::align_val_t alignment,
                             const std::nothrow_t& or_null) noexcept {
    const inside_library allocating;
    return ::operator new(size, alignment, or_null);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void
library_memory::operator delete(void* memory) noexcept {
    const inside_library giving_back;
    ::operator delete(memory);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void
library_memory::operator delete(void* memory, std::align_val_t alignment) noexcept {
    const inside_library giving_back;
    ::operator delete(memory, alignment);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void
library_memory::operator delete(void* memory, const std::nothrow_t& or_null) noexcept {
    const inside_library giving_back;
    ::operator delete(memory, or_null);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void
library_memory::operator delete(void* memory, std::align_val_t alignment,
                                const std::nothrow_t& or_null) noexcept {
    const inside_library giving_back;
    ::operator delete(memory, alignment, or_null);
}

/// Asking for an alignment that memory has anyway would double the price.
inline bool is_usual(std::size_t alignment) noexcept {
    return alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void* allocate_inside(std::size_t size,
                                                               std::size_t alignment) noexcept {
    const inside_library allocating; // REENTRY-4
    return is_usual(alignment) ? ::operator new(size, std::nothrow)
                               : ::operator new(size, std::align_val_t(alignment), std::nothrow);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void release_inside(void* memory,
                                                             std::size_t alignment) noexcept {
    const inside_library giving_back; // REENTRY-4
    if (is_usual(alignment)) {
        ::operator delete(memory);
    } else {
        ::operator delete(memory, std::align_val_t(alignment));
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
