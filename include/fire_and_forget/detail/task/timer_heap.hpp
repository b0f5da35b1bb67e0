// SPDX-License-Identifier: MIT
#pragma once

// Deadlines that come in any order. timer_order.hpp keeps here what fits none of its runs.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "timer_node.hpp"

#include <cstddef>
#include <cstdlib>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Items by deadline, and those with the same one by their numbers.
///
/// Shape   A heap in an array, each node with four children: half as deep as a binary one, and the
///         children of a node share a cache line or two. Only items that are watched know their
///         place: to tell the others would cost a cache miss for each one that moves.
/// Limits  Not thread-safe.
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

    /// Whether it has one that comes before `other`.
    bool has_before(const timer_node& other) const noexcept {
        return next_due() < other.due ||
               (size_ > 0 && next_due() == other.due && entries_[0].item().came_before(other));
    }

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
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
