// SPDX-License-Identifier: MIT
#pragma once

// What waits in a strand, first come first out. turn_queue.hpp has one under a lock.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../queue/block.hpp"
#include "../task/closure.hpp"
#include "../task/host.hpp"
#include "../task/timer_node.hpp"

#include <cstddef>
#include <memory>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One that waits: a task whose closure stands behind this, plain data that nobody need destroy; or
/// a pointer to what is on the heap.
struct waiting {
    /// Of those that fit into a slot of a lane.
    static bool fits(const task_vtable& type) noexcept {
        return type.alignment <= alignof(waiting);
    }
    static std::size_t size_with(const task_vtable& type) noexcept {
        constexpr std::size_t step = alignof(waiting);
        return sizeof(waiting) + (type.size + step - 1) / step * step;
    }

    void* closure() noexcept { return this + 1; }

    /// What is on the heap; null if it is a task that stands here.
    timer_node* on_heap() noexcept;

    /// A task that stands here.
    stored_task task() noexcept { return {type, closure(), where}; }

    const task_vtable* type;
    call_site where;
};

/// The type of a pointer to what is on the heap.
inline constexpr task_vtable item_on_heap{nullptr, nullptr, sizeof(void*), alignof(void*)};

/// A queue of these, one right behind the other in pieces of memory. One thread at a time pushes,
/// and one pops.
///
/// A list through tasks on the heap would need no more memory than those. But those of a long list
/// are cold when they come to run, and none is known before the one in front of it is there: with
/// thousands of tasks in each of a thousand strands, waiting for that was three quarters of the
/// work (tests/bench/ordered.cpp). What stands side by side here the processor fetches ahead; what
/// is on the heap all the same is fetched when its piece is begun.
///
/// Limits  push(), add() and look() are called under a lock. pop() is not: it is for who has called
///         look() last, and takes what was there then.
/// Cost    Room for one closure of 40 bytes in itself. Of others, 16 bytes more than the closure or
///         the pointer has, and an allocation for each 512 bytes of them.
class waiting_line {
    /// What a piece ends with.
    struct link {
        link* next = nullptr;
        std::byte* stop = nullptr; ///< where the room is left free, once there is a next piece
    };

public:
#if defined(FIRE_AND_FORGET_STRESS)
    static constexpr std::size_t room_of_piece = 2 * sizeof(slot);
#else
    static constexpr std::size_t room_of_piece = 480; ///< malloc takes 512 bytes for it
#endif

    struct piece {
        alignas(waiting) std::byte room[room_of_piece];
        link end;
    };
    static_assert(room_of_piece >= sizeof(waiting) + slot::room);

    waiting_line() noexcept {
        write_ = read_ = seen_ = own_.room;
        last_ = first_ = &own_.end;
    }
    waiting_line(const waiting_line&) = delete;
    waiting_line& operator=(const waiting_line&) = delete;

    bool has_room(const task_vtable& type) const noexcept {
        return static_cast<std::size_t>(reinterpret_cast<std::byte*>(last_) - write_) >=
               waiting::size_with(type);
    }

    /// Makes room.
    void add(std::unique_ptr<piece> fresh) noexcept;

    /// Where there is room: `fill` constructs the closure.
    template <class Fill>
    void push(const task_vtable& type, const call_site& where, Fill& fill) noexcept {
        auto* const last = ::new (static_cast<void*>(write_)) waiting{&type, where};
        fill(last->closure());
        write_ += waiting::size_with(type);
    }

    /// Whether something waits, which pop() will find then. What was popped before is gone, with
    /// the memory that comes back in `over`.
    bool look(std::unique_ptr<piece>& over) noexcept;

    /// Whether there is more than what was popped.
    bool has_more() const noexcept {
        return read_ != write_;
    }

    /// Null if look() has to be called first. It stays where it is until then.
    waiting* pop() noexcept {
        if (read_ == seen_) {
            return nullptr;
        }
        waiting* const first = waiting_at(read_);
        read_ += waiting::size_with(*first->type);
        return first;
    }

    /// Has what is on the heap brought near that pop() will find.
    void fetch() const noexcept;

private:
    /// For one that has little to do, which needs no other memory then.
    struct small_piece {
        alignas(waiting) std::byte room[56];
        link end;
    };

    static piece* piece_of(link& end) noexcept;
    static waiting* waiting_at(std::byte* place) noexcept {
        return std::launder(static_cast<waiting*>(static_cast<void*>(place)));
    }

    std::byte* write_ = nullptr;
    link* last_ = nullptr;
    link* first_ = nullptr;
    std::byte* read_ = nullptr;
    std::byte* seen_ = nullptr; ///< up to where the first piece was filled
    small_piece own_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
