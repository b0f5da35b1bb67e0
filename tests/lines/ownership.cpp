// SPDX-License-Identifier: MIT
// What the instrumented code calls. Not instrumented itself, and without any header of the library,
// lest the linker take a function of its from here.

#include "ownership.hpp"

#include <bit>
#include <cstdint>
#include <cstdlib>

#include <pthread.h>
#include <time.h>

namespace {

using faf_lines::nobody;

constexpr std::uintptr_t bytes = 64;
constexpr std::size_t most_lines = std::size_t{1} << 18U;
constexpr int most_cores = 128;

/// A line that a core has touched.
struct line {
    std::uintptr_t number = 0;
    int owner = nobody; ///< who has changed it and nobody else has seen it since
    std::uint64_t holders[most_cores / 64]{};

    bool has(int core) const { return (holders[core / 64] >> (core % 64) & 1U) != 0; }
    void add(int core) { holders[core / 64] |= std::uint64_t{1} << (core % 64); }
    int count() const { return std::popcount(holders[0]) + std::popcount(holders[1]); }
};

line lines[most_lines];
int playing = nobody;
faf_lines::counts counted;
std::uintptr_t own_begin[4];
std::uintptr_t own_end[4];
int own_ranges = 0;

line& find(std::uintptr_t number) {
    std::size_t at = number * 0x9E37'79B9'7F4A'7C15U >> 46U;
    while (lines[at].number != number && lines[at].number != 0) {
        at = (at + 1) % most_lines;
    }
    lines[at].number = number;
    return lines[at];
}

bool is_own(std::uintptr_t address) {
    for (int i = 0; i < own_ranges; ++i) {
        if (own_begin[i] <= address && address < own_end[i]) {
            return true;
        }
    }
    return false;
}

void read(const void* from, std::size_t size) {
    const auto address = reinterpret_cast<std::uintptr_t>(from);
    if (playing == nobody || is_own(address)) {
        return;
    }
    for (std::uintptr_t number = address / bytes; number <= (address + size - 1) / bytes;
         ++number) {
        line& it = find(number);
        if (!it.has(playing)) {
            counted.fetched += it.owner != nobody ? 1 : 0;
            it.owner = nobody;
            it.add(playing);
        }
    }
}

/// A read-modify-write counts as one write: the line comes over once.
void write(const void* to, std::size_t size) {
    const auto address = reinterpret_cast<std::uintptr_t>(to);
    if (playing == nobody || is_own(address)) {
        return;
    }
    for (std::uintptr_t number = address / bytes; number <= (address + size - 1) / bytes;
         ++number) {
        line& it = find(number);
        if (it.owner != playing) {
            counted.taken_away += it.count() > (it.has(playing) ? 1 : 0) ? 1 : 0;
            it.holders[0] = it.holders[1] = 0;
            it.owner = playing;
            it.add(playing);
        }
    }
}

timespec clock_now{1, 0};

} // namespace

namespace faf_lines {

void play(int core) {
    playing = core;
}

void leave_out(const void* begin, std::size_t size) {
    if (own_ranges == 4) {
        std::abort();
    }
    own_begin[own_ranges] = reinterpret_cast<std::uintptr_t>(begin);
    own_end[own_ranges] = own_begin[own_ranges] + size;
    ++own_ranges;
}

counts take_counts() {
    const counts result = counted;
    counted = {};
    return result;
}

} // namespace faf_lines

extern "C" {

/// Stands still: what took no time was short.
int clock_gettime(clockid_t, timespec* now) {
    *now = clock_now;
    return 0;
}

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void** at, void*) {
    write(at, sizeof *at);
}
void __tsan_vptr_read(void** at) {
    read(at, sizeof *at);
}
void __tsan_read_range(void* at, std::size_t size) {
    read(at, size);
}
void __tsan_write_range(void* at, std::size_t size) {
    write(at, size);
}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}
void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
    read(from, size);
    write(to, size);
    return __builtin_memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, std::size_t size) {
    read(from, size);
    write(to, size);
    return __builtin_memmove(to, from, size);
}
void* __tsan_memset(void* to, int value, std::size_t size) {
    write(to, size);
    return __builtin_memset(to, value, size);
}

#define PLAIN(SIZE)                                                                                \
    void __tsan_read##SIZE(void* at) {                                                             \
        read(at, SIZE);                                                                            \
    }                                                                                              \
    void __tsan_write##SIZE(void* at) {                                                            \
        write(at, SIZE);                                                                           \
    }                                                                                              \
    void __tsan_read_write##SIZE(void* at) {                                                       \
        write(at, SIZE);                                                                           \
    }                                                                                              \
    void __tsan_unaligned_read##SIZE(void* at) {                                                   \
        read(at, SIZE);                                                                            \
    }                                                                                              \
    void __tsan_unaligned_write##SIZE(void* at) {                                                  \
        write(at, SIZE);                                                                           \
    }                                                                                              \
    void __tsan_unaligned_read_write##SIZE(void* at) {                                             \
        write(at, SIZE);                                                                           \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

#define CHANGE(TYPE, BITS, WHAT, HOW)                                                              \
    TYPE __tsan_atomic##BITS##_##WHAT(volatile TYPE* at, TYPE value, int) {                        \
        write(const_cast<TYPE*>(at), sizeof(TYPE));                                                \
        const TYPE before = *at;                                                                   \
        *at = static_cast<TYPE>(HOW);                                                              \
        return before;                                                                             \
    }
#define ATOMIC(TYPE, BITS)                                                                         \
    TYPE __tsan_atomic##BITS##_load(const volatile TYPE* at, int) {                                \
        read(const_cast<const TYPE*>(at), sizeof(TYPE));                                           \
        return *at;                                                                                \
    }                                                                                              \
    void __tsan_atomic##BITS##_store(volatile TYPE* at, TYPE value, int) {                         \
        write(const_cast<TYPE*>(at), sizeof(TYPE));                                                \
        *at = value;                                                                               \
    }                                                                                              \
    CHANGE(TYPE, BITS, exchange, value)                                                            \
    CHANGE(TYPE, BITS, fetch_add, before + value)                                                  \
    CHANGE(TYPE, BITS, fetch_sub, before - value)                                                  \
    CHANGE(TYPE, BITS, fetch_and, before& value)                                                   \
    CHANGE(TYPE, BITS, fetch_or, before | value)                                                   \
    CHANGE(TYPE, BITS, fetch_xor, before ^ value)                                                  \
    int __tsan_atomic##BITS##_compare_exchange_strong(volatile TYPE* at, TYPE* expected,           \
                                                      TYPE value, int, int) {                      \
        write(const_cast<TYPE*>(at), sizeof(TYPE));                                                \
        const TYPE before = *at;                                                                   \
        const bool is_it = before == *expected;                                                    \
        *(is_it ? const_cast<TYPE*>(at) : expected) = is_it ? value : before;                      \
        return is_it ? 1 : 0;                                                                      \
    }                                                                                              \
    int __tsan_atomic##BITS##_compare_exchange_weak(volatile TYPE* at, TYPE* expected, TYPE value, \
                                                    int first, int second) {                       \
        return __tsan_atomic##BITS##_compare_exchange_strong(at, expected, value, first, second);  \
    }                                                                                              \
    TYPE __tsan_atomic##BITS##_compare_exchange_val(volatile TYPE* at, TYPE expected, TYPE value,  \
                                                    int first, int second) {                       \
        __tsan_atomic##BITS##_compare_exchange_strong(at, &expected, value, first, second);        \
        return expected;                                                                           \
    }
ATOMIC(std::uint8_t, 8)
ATOMIC(std::uint16_t, 16)
ATOMIC(std::uint32_t, 32)
ATOMIC(std::uint64_t, 64)

} // extern "C"
