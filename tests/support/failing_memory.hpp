// SPDX-License-Identifier: MIT
#pragma once

// Memory runs out: this program's own operator new fails on request, on one thread or on all. To be
// included by one source file of a program only.

#include "replaced_new.hpp"

#include <atomic>
#include <cstddef>

namespace faf_test {

enum class shortage { none, once, lasting };

/// Allocations that fail on one thread. Set by tests, or by out_of_memory.
struct allocator_state {
    shortage kind = shortage::none;
    long left = 0; ///< allocations before the first that fails
    long failed = 0;
};
inline thread_local constinit allocator_state memory{};

/// Allocations that fail, counted over all threads.
struct common_allocator_state {
    std::atomic<shortage> kind{shortage::none};
    std::atomic<long> first{0}; ///< the number of the first that fails
    std::atomic<long> calls{0}; ///< while `kind` is set
    std::atomic<long> failed{0};

    void begin(shortage what, long after) noexcept {
        first = after;
        calls = failed = 0;
        kind = what;
    }
    void end() noexcept { kind = shortage::none; }

    bool fails_now() noexcept {
        const shortage what = kind.load(std::memory_order_relaxed);
        if (what == shortage::none) {
            return false;
        }
        const long call = calls++;
        const bool is_failing = what == shortage::once ? call == first : call >= first;
        failed += is_failing ? 1 : 0;
        return is_failing;
    }
};
inline constinit common_allocator_state memory_of_all{};

/// Makes allocations of this thread fail while it lives.
class out_of_memory {
public:
    explicit out_of_memory(shortage kind, long after = 0) { memory = {kind, after, 0}; }
    ~out_of_memory() { memory = {}; }
    out_of_memory(const out_of_memory&) = delete;
    out_of_memory& operator=(const out_of_memory&) = delete;

    long failed() const noexcept { return memory.failed; }
};

inline bool fails_on_this_thread() noexcept {
    if (memory.kind == shortage::none || --memory.left >= 0) {
        return false;
    }
    ++memory.failed;
    if (memory.kind == shortage::once) {
        memory.kind = shortage::none;
    }
    return true;
}

inline void* new_memory(std::size_t size, std::size_t alignment) noexcept {
    return fails_on_this_thread() || memory_of_all.fails_now()
               ? nullptr
               : allocate_from_system(size, alignment);
}

inline void delete_memory(void* given) noexcept {
    release_to_system(given);
}

} // namespace faf_test
