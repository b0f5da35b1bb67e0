// SPDX-License-Identifier: MIT
#pragma once

// A value that one thread overwrites while others may read it.

#include "../platform/abi.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A value that its owner overwrites while others may read it: whole words, each by itself. Who
/// must not mix two values makes sure of that by other means.
template <class T>
class shared_words {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uintptr_t) == 0);

public:
    void store(const T& value) noexcept {
        std::uintptr_t copy[words];
        std::memcpy(copy, &value, sizeof(T));
        for (std::size_t i = 0; i < words; ++i) {
            words_[i].store(copy[i], std::memory_order_relaxed);
        }
    }

    T load() const noexcept {
        std::uintptr_t copy[words];
        for (std::size_t i = 0; i < words; ++i) {
            copy[i] = words_[i].load(std::memory_order_relaxed);
        }
        T value{};
        std::memcpy(static_cast<void*>(&value), copy, sizeof(T));
        return value;
    }

private:
    static constexpr std::size_t words = sizeof(T) / sizeof(std::uintptr_t);
    std::atomic<std::uintptr_t> words_[words]{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
