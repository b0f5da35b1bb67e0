// SPDX-License-Identifier: MIT
#pragma once

// What waits in a strand for its turn, and whether there is one. strand.hpp has turns run.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/spin_lock.hpp"
#include "../task/closure.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/timer_node.hpp"
#include "waiting_line.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Where what comes in from any thread meets the turn that takes it out, of which there is one at a
/// time.
///
/// Invariants  TURN-1  The lock guards all, but for what the turn has seen of the line. It is held
///                     for a few instructions: nothing is allocated or freed under it, and no user
///                     code runs.
///             TURN-2  There is a turn as long as turn_ is not `none`, and only one. It begins with
///                     what is pushed where there is none, and ends when nothing waits, both under
///                     the lock.
///             TURN-4  The executor below does not know of a turn before it has been handed over,
///                     which may take whoever has begun it a while. What is pushed behind that is
///                     open in the books below from then on until the turn looks for what waits.
/// Orderings   TURN-3  Who pops sees what was stored before the push; and what the turn before did.
/// Source      tests/models/strand.pml
class turn_queue {
public:
    enum class pushed : std::uint8_t { no_memory, behind_others, begins_turn };

    /// Whether anybody may wait until the executor below has nothing to do.
    enum class below : std::uint8_t { is_awaited, is_not_awaited };

    /// Whether a plain task may be stored right where it waits. One that is observed is kept on the
    /// heap, as others are.
    enum class plain_tasks : std::uint8_t { in_place, on_heap };

    turn_queue(below executor, plain_tasks stored) noexcept
        : new_turn_(executor == below::is_awaited ? turn::begun : turn::under_way),
          plain_tasks_(stored) {}

    bool takes_plain_tasks() const noexcept { return plain_tasks_ == plain_tasks::in_place; }

    /// Stores what is on the heap. The first one has its turn begun by who stored it. `books` are
    /// those of the executor below, here and in what follows.
    pushed push(timer_node& item, coroutine_books& books) noexcept;

    /// The same for a plain task, whose closure `fill` constructs.
    pushed push(const task_vtable& type, const call_site& where, function_ref<void(void*)> fill,
                coroutine_books& books) noexcept;

    // The turn ------------------------------------------------------------------------------------

    /// What comes next; null if there is none, and then the turn has ended. What has come in
    /// meanwhile is counted as accepted, but for what somebody has counted before.
    waiting* next(coroutine_books& books) noexcept;

    bool has_more() noexcept;

    /// Takes out the first one, which was refused with the turn and is not to be counted. The
    /// caller keeps the books open until he has taken out the rest.
    void forget_first(coroutine_books& books) noexcept;

private:
    enum class counted : std::uint8_t { not_yet, before };
    enum class turn : std::uint8_t {
        none,
        begun,    ///< it has not looked yet, and the executor below may be waited for
        has_more, ///< the same, and something waits behind what it began with // TURN-4
        under_way,
    };

    template <class Fill>
    pushed push(const task_vtable& type, const call_site& where, counted has_been, Fill& fill,
                coroutine_books& books) noexcept;

    spin_lock lock_;
    turn turn_ = turn::none;
    const turn new_turn_; ///< what turn_ is when one has begun
    const plain_tasks plain_tasks_;
    std::uint32_t fresh_ = 0; ///< what has come in and is not counted yet
    waiting_line line_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
