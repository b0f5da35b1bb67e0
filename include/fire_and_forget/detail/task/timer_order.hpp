// SPDX-License-Identifier: MIT
#pragma once

// Deadlines in order: no thread, no clock, no lock. timer_queue.hpp feeds one from many threads;
// manual_core.hpp drives one by hand.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "timer_heap.hpp"
#include "timer_node.hpp"
#include "timer_run.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Items by deadline; those with the same one in the order in which they were pushed.
///
/// Shape   A few runs, and a heap for the rest. A program waits for few lengths of time, and what
///         waits equally long comes in order: so each length finds a run of its own, the longest
///         the first. What is watched is in the heap, because it may have to be taken out of the
///         middle.
/// Limits  Not thread-safe. 2^31 items pushed while one with the same deadline waits put it last.
/// Cost    20 ns to push and 30 to pop in a run of a million, most of it for items that no cache
///         holds; in a heap of as many 30, and 70 to 200.
class timer_order {
public:
    timer_order() noexcept = default;
    timer_order(const timer_order&) = delete;
    timer_order& operator=(const timer_order&) = delete;

    std::size_t size() const noexcept;

    /// The earliest deadline; the end of time if there is none.
    steady_time next_due() const noexcept;

    /// Adds `item`, which stays where it is; false if there is no memory.
    bool try_push(timer_node& item) noexcept;

    /// Takes out the item with the earliest deadline, if that is not after `now`; else null.
    timer_node* pop_due(steady_time now) noexcept;

    /// Takes out one that is watched and in the heap.
    void remove(timer_node& item) noexcept { heap_.remove(item); }

    /// Takes out the item with the latest deadline of those for which `is_it` holds; null if there
    /// is none, or no memory. What is in the runs is moved to the heap first, whose array shows all
    /// deadlines: this is called again with each item that comes, and to go through a run of
    /// 10,000 took 130 us, which takes 8 in the array.
    timer_node* take_latest_if(function_ref<bool(timer_node&)> is_it);

    /// Takes out all items for which `is_it` holds; returns them as a list, in no order.
    timer_node* remove_if(function_ref<bool(timer_node&)> is_it);

private:
    static constexpr std::size_t runs = 8;

    /// The first that `item` can be added to; null if there is none.
    timer_run* run_for(const timer_node& item) noexcept;

    /// Moves all from the runs to the heap; false if there is no memory for some.
    bool try_pour() noexcept;

    /// The one that begins with the earliest item; null if all are empty.
    timer_run* earliest_run() noexcept;

    std::array<timer_run, runs> runs_;
    timer_heap heap_;
    std::uint32_t pushed_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
