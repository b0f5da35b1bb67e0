// SPDX-License-Identifier: MIT
#pragma once

// How a thread waits for a set of tasks: it runs tasks meanwhile if it is one of those that do.
// scope_core.hpp and cancellable_core.hpp have it done.

#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../task/scheduler.hpp"
#include "member_set.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Waits until `all` is quiet. The thread runs tasks of `home` meanwhile, if it is one of those
/// that do, for where there are no others nobody else would; null: it is not. False if that took
/// longer, from inside of a member, and in a turn that others have to wait for.
bool drain(member_set& all, steady_time deadline, scheduler* home);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
