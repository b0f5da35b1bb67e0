// SPDX-License-Identifier: MIT
#pragma once

// Where tasks stand while they wait in a lane and while they run: a slot for each, in blocks. How
// blocks are used, and by whom, is told in lane.hpp.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../task/closure.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One task, in one cache line: what a worker needs to run it comes over with a single transfer.
struct alignas(cache_line) slot {
    static constexpr std::size_t alignment = 16;
    static constexpr std::size_t room =
        cache_line - (sizeof(void*) + sizeof(call_site) + alignment - 1) / alignment * alignment;

    static constexpr bool fits(const task_vtable& type) noexcept {
        return type.size <= room && type.alignment <= alignment;
    }

    /// Its task is over: the block releases that.
    void empty() noexcept { type.store(nullptr, std::memory_order_relaxed); }

    std::atomic<const task_vtable*> type{nullptr}; ///< null: there is no task
    call_site where;
    alignas(alignment) std::byte closure[room];
};
static_assert(sizeof(slot) == cache_line);

/// Stands for a task that was recalled: there is nothing to run.
inline constexpr task_vtable tombstone{};

/// Stands for a task on the heap: the slot holds a task_node*.
inline constexpr task_vtable in_node{};

template <std::size_t Slots>
class basic_lane;

/// A piece of a lane.
template <std::size_t Slots>
struct block {
    explicit block(basic_lane<Slots>& of) noexcept : block(of, std::make_index_sequence<Slots>()) {}

    /// Counts `tasks` of this block as done, or the lane's taking side as past it. The last one
    /// gives it back.
    void finish(std::uint32_t tasks) noexcept {
        // acq_rel: whoever gives it back has seen what all others did in it
        if (unfinished.fetch_sub(tasks, std::memory_order_acq_rel) == tasks) { // LANE-8
            home.take_back(this);
        }
    }

    /// Aligned by hand: an aligned allocation takes ten times as many instructions here, because
    /// it cuts a larger piece to size. The pointer to the whole piece stands
    /// right before the block.
    static void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
        void* const whole = ::operator new(size + cache_line, std::nothrow);
        if (whole == nullptr) {
            return nullptr;
        }
        const auto address = reinterpret_cast<std::uintptr_t>(whole);
        void** const aligned =
            static_cast<void**>(whole) + (cache_line - address % cache_line) / sizeof(void*);
        aligned[-1] = whole;
        return aligned;
    }
    // NOLINTNEXTLINE(misc-new-delete-overloads): blocks are only made where throwing is no answer
    static void operator delete(void* aligned) noexcept {
        ::operator delete(static_cast<void**>(aligned)[-1]);
    }

    slot* first() noexcept { return std::launder(static_cast<slot*>(static_cast<void*>(slots_))); }

    alignas(cache_line) std::atomic<block*> next{nullptr};
    std::atomic<std::uint32_t> unfinished{Slots + 1};
    basic_lane<Slots>& home;

private:
    /// One store for each slot: the loop that an array of slots gets costs a submit four times as
    /// many instructions in a burst.
    template <std::size_t... Number>
    block(basic_lane<Slots>& of, std::index_sequence<Number...>) noexcept : home(of) {
        (::new (static_cast<void*>(slots_ + Number * sizeof(slot))) slot, ...);
    }

    alignas(slot) std::byte slots_[Slots * sizeof(slot)];
};

#if defined(FIRE_AND_FORGET_STRESS)
inline constexpr std::size_t slots_per_block = 2;
#else
inline constexpr std::size_t slots_per_block = 63; ///< with its header a block has 4 KiB
#endif
using pool_block = block<slots_per_block>;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
