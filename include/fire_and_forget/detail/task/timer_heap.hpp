// SPDX-License-Identifier: MIT
#pragma once

// Deadlines in order: no thread, no clock, no lock. timer_queue.hpp feeds one from many threads;
// manual_core.hpp drives one by hand.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What can wait for its time: the base of a task on the heap and of a coroutine that sleeps. Kept
/// small, because a program may have a million of them.
struct timer_node {
    /// When it may start. Of a task that no executor has accepted yet: how long after that, counted
    /// from the clock's zero.
    steady_time due{};

    union {
        timer_node* next = nullptr; ///< in the list it is on, if any
        std::size_t heap_place;     ///< in the heap, of one that is watched
    };
    std::uint32_t number = 0; ///< among equal deadlines the lower one comes first
    faf::priority priority = faf::priority::normal;
    bool is_resumption : 1 = false;  ///< of a coroutine; else it is a task_node
    bool is_timed : 1 = false;       ///< a task whose reports say how long it waited and ran
    bool is_accepted : 1 = false;    ///< a task that some executor has accepted
    bool is_delayed : 1 = false;     ///< the same, for later
    bool is_handed_over : 1 = false; ///< a task on its way to an executor of somebody else's
    bool has_own_sink : 1 = false;   ///< a coroutine whose reports go to a sink of its own first
    bool is_abandoned : 1 = false;   ///< the same, and its end is to be reported there
    bool is_watched : 1 = false;     ///< it may be asked to stop while it waits
    bool is_in_heap : 1 = false;     ///< the same, and has its place there
    bool is_guest : 1 = false;       ///< one that is not counted where it waits to go on
    bool is_brought : 1 = false; ///< a task that the executor below the one it is on has counted
    bool has_begun : 1 = false;  ///< a coroutine or a turn in a task, neither a first call
};

/// Items by deadline; those with the same one in the order in which they were pushed.
///
/// Shape   A heap in an array, each node with four children: half as deep as a binary one, and the
///         children of a node share a cache line or two. Only items that are watched know their
///         place: to tell the others would cost a cache miss for each one that moves.
/// Limits  Not thread-safe. 2^31 items pushed while one with the same deadline waits put it last.
/// Cost    16 bytes an item, and as many to spare after the array has grown; it shrinks when three
///         quarters of it are free. Pushing in the order of deadlines is constant, popping and
///         removing logarithmic; remove_if is linear.
class timer_heap {
public:
    timer_heap() noexcept = default;
    ~timer_heap() { std::free(entries_); }
    timer_heap(const timer_heap&) = delete;
    timer_heap& operator=(const timer_heap&) = delete;

    std::size_t size() const noexcept { return size_; }

    /// The earliest deadline; the end of time if there is none.
    steady_time next_due() const noexcept { return size_ > 0 ? entries_[0].due : never; }

    /// Adds `item`, which stays where it is; false if there is no memory.
    bool try_push(timer_node& item) noexcept;

    /// Takes out the item with the earliest deadline, if that is not after `now`; else null.
    timer_node* pop_due(steady_time now) noexcept;

    /// Takes out one that is watched and in the heap.
    void remove(timer_node& item) noexcept { take_out(item.heap_place); }

    /// Takes out the item with the latest deadline of those for which `is_it` holds; null if there
    /// is none. It looks at all.
    timer_node* take_latest_if(function_ref<bool(timer_node&)> is_it);

    /// Takes out all items for which `is_it` holds; returns them as a list, in no order.
    timer_node* remove_if(function_ref<bool(timer_node&)> is_it);

private:
    static constexpr std::size_t arity = 4;

    static constexpr std::size_t least = 64;

    /// With the deadline at hand, and whether it is watched, so that moving and comparing rarely
    /// touch the items.
    class entry {
    public:
        explicit entry(timer_node& of) noexcept
            : due(of.due), tagged_(reinterpret_cast<std::byte*>(&of) + (of.is_watched ? 1 : 0)) {}

        timer_node& item() const noexcept;
        bool is_watched() const noexcept;

        steady_time due;

    private:
        std::byte* tagged_; ///< where the item is, and one byte further if it is watched
    };

    static bool is_before(const entry& a, const entry& b) noexcept;

    bool grow() noexcept { return resize(capacity_ > 0 ? 2 * capacity_ : least); }

    /// Not before it is a quarter full, lest it grow and shrink in turn.
    void shrink() noexcept;

    /// By realloc, which moves a large array without copying it.
    bool resize(std::size_t capacity) noexcept;

    void put(std::size_t place, const entry& it) noexcept;

    void take_out(std::size_t place) noexcept;

    /// Puts `it` in the free place `hole`, or above if it comes before what is there.
    void rise(std::size_t hole, const entry& it) noexcept;

    /// The same, or below if it comes after what is there.
    void sink(std::size_t hole, const entry it) noexcept;

    entry* entries_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::uint32_t pushed_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
