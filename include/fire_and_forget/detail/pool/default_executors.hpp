// SPDX-License-Identifier: MIT
#pragma once

// The two executors that a program has without making any, as one: the default
// pool and own threads.

#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail::default_executors {

bool drain_until(steady_time deadline);
bool shutdown_until(steady_time deadline);
stats snapshot();

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail::default_executors
