// SPDX-License-Identifier: MIT
#pragma once

// What waits in a strand, first come first out.

#include "../platform/abi.hpp"
#include "../task/timer_heap.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A queue of pointers, in pieces. One thread at a time pushes, and one pops.
///
/// A list through the items would need no memory. But those of a long list are cold when they come
/// to run, and none is known before the one in front of it is there: with thousands of tasks
/// in each of a thousand strands, waiting for that was three quarters of the work
/// (tests/bench/ordered.cpp). Here the items of the next piece are fetched ahead.
///
/// Limits  push() and look() are called under a lock. pop() is not: it is for who has called look()
///         last, and takes what was there then.
/// Cost    Room for three in itself, and 10 bytes for each that waits besides. A piece is small
///         enough for malloc to have the next one at hand.
class waiting_line {
public:
    waiting_line() noexcept = default;
    ~waiting_line() { release(first_); }
    waiting_line(const waiting_line&) = delete;
    waiting_line& operator=(const waiting_line&) = delete;

    /// False if there is no memory.
    bool push(timer_node& item) noexcept;

    /// Whether something waits, which pop() will find then.
    bool look() noexcept;

    /// Null if look() has to be called first.
    timer_node* pop() noexcept;

private:
    struct piece {
        piece* next;
        timer_node** items;
        std::uint32_t size;
        std::uint32_t room;
    };

    static constexpr std::uint32_t own_room = 3;
    static constexpr std::uint32_t room_of_others = 12;

    piece* add_piece() noexcept;
    void release(piece* gone) noexcept;
    static void fetch(const timer_node* item) noexcept;

    piece* last_ = &own_;
    piece* first_ = &own_;
    std::uint32_t taken_ = 0; ///< of the first piece
    std::uint32_t seen_ = 0;  ///< the same
    timer_node* own_items_[own_room];
    piece own_{nullptr, own_items_, 0, own_room};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
