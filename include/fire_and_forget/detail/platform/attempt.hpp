// SPDX-License-Identifier: MIT
#pragma once

// Where exceptions of user code end. task_run.hpp runs tasks in it; the front door copies closures
// in it.

#include "abi.hpp"
#include "function_ref.hpp"
#include "platform.hpp"
#include "stop_token.hpp"

#if defined(FIRE_AND_FORGET_HAS_CXXABI)
#include <cxxabi.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

using action = function_ref<void()>;

/// Runs `body`; if it throws anything, runs `on_exception` inside the handler, and is false.
///
/// The one place that catches what user code throws: any type, from a task, a sink or a copy
/// constructor. An exception object whose own destructor throws does so as its handler ends: that
/// is why the handlers nest. The outermost never lets its exception be destroyed, so the chain ends
/// there. (With libc++ such an object ends the program, whatever handler it is in.) A thread that
/// is cancelled or calls pthread_exit unwinds on. Without exceptions it only runs `body`.
bool attempt(action body, action on_exception);

/// A source without a state where there is no memory for one: then nothing is asked to stop.
stop_source make_stop_source();

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
