// SPDX-License-Identifier: MIT
#pragma once

// Memory for what the library itself makes on threads of users.

#include "abi.hpp"
#include "reentry.hpp"
#include "stop_token.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What derives from it is allocated and given back inside: malloc has a lock, and a signal handler
/// that fires meanwhile would wait for its own thread. Constructors and destructors run outside, as
/// they may be those of users. // REENTRY-4
struct library_memory {
    static void* operator new(std::size_t size);
    static void* operator new(std::size_t size, const std::nothrow_t& or_null) noexcept;
    static void* operator new(std::size_t size, std::align_val_t alignment);
    static void* operator new(std::size_t size, std::align_val_t alignment,
                              const std::nothrow_t& or_null) noexcept;
    static void operator delete(void* memory) noexcept;
    static void operator delete(void* memory, std::align_val_t alignment) noexcept;
    /// Those two are called for a constructor that has thrown.
    static void operator delete(void* memory, const std::nothrow_t& or_null) noexcept;
    static void operator delete(void* memory, std::align_val_t alignment,
                                const std::nothrow_t& or_null) noexcept;
};

/// The same for objects whose size and alignment are known at run time only; null without memory.
void* allocate_inside(std::size_t size,
                      std::size_t alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__) noexcept;
void release_inside(void* memory,
                    std::size_t alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__) noexcept;

/// The same for std::allocate_shared and for containers.
template <class T>
struct library_allocator {
    using value_type = T;

    library_allocator() noexcept = default;
    template <class U>
    // NOLINTNEXTLINE(google-explicit-constructor): as allocators have it
    library_allocator(const library_allocator<U>&) noexcept {}

    static T* allocate(std::size_t many) {
        const inside_library allocating;
        return std::allocator<T>().allocate(many);
    }
    static void deallocate(T* memory, std::size_t many) noexcept {
        const inside_library giving_back;
        std::allocator<T>().deallocate(memory, many);
    }
    friend bool operator==(const library_allocator&, const library_allocator&) noexcept {
        return true;
    }
};

/// A source with a state. Throws std::bad_alloc.
inline stop_source new_stop_source() {
    const inside_library allocating;
    stop_source fresh;
    return fresh;
}

/// It gives its state back inside, if it is the last to have it. What is left has none.
inline void give_back(stop_source& last) noexcept {
    const inside_library giving_back;
    last = no_stop_source();
}
inline void give_back(stop_token& last) noexcept {
    const inside_library giving_back;
    last = stop_token();
}

/// One that does so at its end.
struct kept_stop_source : stop_source {
    explicit kept_stop_source(stop_source kept) noexcept : stop_source(std::move(kept)) {}
    kept_stop_source(const kept_stop_source&) = delete;
    kept_stop_source& operator=(const kept_stop_source&) = delete;
    ~kept_stop_source() { give_back(*this); }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
