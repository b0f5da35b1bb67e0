// SPDX-License-Identifier: MIT
#pragma once

// Where the frames of coroutines come from. They are made and ended by the million, often on
// different threads, and in few sizes.

#include "../platform/abi.hpp"
#include "../platform/process.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The sizes in which frames are kept.
struct frame_sizes {
    // Sizes that leave malloc's own eight bytes in the same line of sixteen.
    static constexpr std::size_t size_of(std::size_t k) noexcept { return 16 * k + 8; }
    static constexpr std::size_t class_of(std::size_t size) noexcept { return (size + 7) / 16; }

    static constexpr std::size_t classes = 65;
    static constexpr std::size_t largest = 16 * (classes - 1) + 8;
    static constexpr std::uint32_t batch = 32;
    static constexpr std::size_t depot_bytes = std::size_t{1} << 20; ///< of each class
};

/// A piece of memory that is kept. The first one of a batch in the depot leads to the next batch.
struct kept_frame {
    kept_frame* next;
    kept_frame* next_batch;
};
static_assert(sizeof(kept_frame) <= frame_sizes::size_of(1), "a frame has two pointers at least");

struct kept_frames {
    kept_frame* first = nullptr;
    std::uint32_t count = 0;

    void push(void* memory) noexcept;
    void* pop() noexcept; ///< of which there is one

    /// Takes `some` off, which must be there.
    kept_frame* split(std::uint32_t some) noexcept;

    void free_all() noexcept;
};

/// What the threads exchange: whole batches.
class frame_depot : frame_sizes {
public:
    static frame_depot& instance() noexcept { return of_process.get(); }

    /// Takes a batch, or frees it if there are enough.
    void put(std::size_t k, kept_frame* full) noexcept;

    /// Null if there is none.
    kept_frame* get(std::size_t k) noexcept;

private:
    static one_per_process<frame_depot> of_process;

    struct shelf {
        std::mutex mutex;
        kept_frame* first = nullptr;
        std::size_t batches = 0;
    };
    shelf shelves_[classes];
};

inline constinit one_per_process<frame_depot> frame_depot::of_process;

/// A thread's own. Trivially destructible: destructors of thread_locals may still end frames.
struct frame_cache {
    kept_frames lists[frame_sizes::classes];
    bool is_armed = false; ///< it will be emptied when the thread ends
    bool is_over = false;
};

inline constinit thread_local frame_cache this_threads_frames{};

/// When the calling thread ends.
void empty_frame_cache() noexcept;

/// Sees to it that a cache will be emptied; false if it is too late for that.
bool arm(frame_cache& mine) noexcept;

/// Pieces of memory in the sizes of frames, kept for the next frame of about the same size. A
/// thread takes them from its own cache and puts them back there; caches exchange whole batches
/// with a depot that all threads share, because many a frame ends on another thread than its first.
///
/// Invariants  FRAMES-1  A piece of class k is one allocation of size_of(k) bytes. Nothing is
///                       written around it: who releases it knows its size, as a frame does.
///             FRAMES-2  A cache holds less than two batches of a class, the depot at most
///                       depot_bytes of one. What is more goes back to operator delete.
///             FRAMES-3  A thread's cache is emptied when the thread ends; afterwards the thread
///                       does without one. The depot is never destroyed, so all that is
///                       kept stays reachable.
/// Cost        allocate and release: a handful of instructions, and a lock once per batch.
class frame_pool : public frame_sizes {
public:
    // Not inline: clang 14 would remember a thread's cache across a coroutine's suspension, and use
    // it on another thread.

    /// Null without memory.
    static void* allocate(std::size_t size) noexcept;

    /// `size` as it was for allocate().
    static void release(void* memory, std::size_t size) noexcept;

// AddressSanitizer is to see a frame that is used after its end.
#if defined(FIRE_AND_FORGET_HAS_ASAN)
    static constexpr bool is_recycling = false;
#else
    static constexpr bool is_recycling = true;
#endif

private:
    // Apart, or the way that is usual would keep registers for them.
    static void* allocate_from_others(std::size_t k) noexcept;
    static void release_to_others(void* memory, std::size_t k) noexcept;
};

/// Frames come from the pool, as objects with a chain in them do.
struct from_frame_pool {
    // NOLINTNEXTLINE(misc-new-delete-overloads): the sized delete below belongs to it
    static void* operator new(std::size_t size) {
        void* const memory = frame_pool::allocate(size);
#if defined(__cpp_exceptions)
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
#endif
        return memory;
    }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool::release(memory, size);
    }
};

/// The same for the frames of coroutines whose promise makes do with null where there is no memory.
struct frame_or_null {
    // Both, for GCC 12 asks for the first where the standard wants the second.
    // NOLINTNEXTLINE(misc-new-delete-overloads): the sized delete below belongs to it
    static void* operator new(std::size_t size) noexcept { return frame_pool::allocate(size); }
    static void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
        return frame_pool::allocate(size);
    }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool::release(memory, size);
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
