// SPDX-License-Identifier: MIT
#pragma once

// What becomes of the turn of a strand that does not go on: the executor below has given it up, has
// ended without it, or takes no more. strand.hpp asks.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/host.hpp"
#include "turn_queue.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whether the executor that runs it has given up the turn on this thread: then it closes, and the
/// rest is not to run. If it has counted that, as the task that ran last, what this came to does
/// not count any more.
bool is_given_up_turn(const host& on, fate& last) noexcept;

/// What of a turn has been reported before, in the name of its first task.
enum class already_reported : std::uint8_t { none, first };

/// Drops what waits in `line`, and ends its turn. What goes may have to wait for what is behind it:
/// see abandonment.
void drop_turn(turn_queue& line, coroutine_books& books, const error_sink* sink,
               already_reported before);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
