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

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
