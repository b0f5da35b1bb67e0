// SPDX-License-Identifier: MIT
#pragma once

// Where exceptions of user code end. run_task.hpp runs tasks in it; the front door copies closures
// in it.

#include "abi.hpp"
#include "platform.hpp"

#include <cstddef>
#include <exception>
#include <new>
#include <type_traits>

#if defined(FIRE_AND_FORGET_HAS_CXXABI)
#include <cxxabi.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class action;
template <class F>
concept no_action = !std::is_same_v<std::remove_cvref_t<F>, action>;

/// A reference to a callable that lives at least as long as the call it is passed to. A template
/// less for the compiler each time something is attempted.
class action {
public:
    template <no_action F>
    action(F&& fn) noexcept
        : fn_(const_cast<void*>(static_cast<const void*>(&fn))),
          call_([](void* target) { (*static_cast<std::remove_reference_t<F>*>(target))(); }) {}
    void operator()() const { call_(fn_); }

private:
    void* fn_;
    void (*call_)(void*);
};

/// Runs `body`; if it throws anything, runs `on_exception` inside the handler.
///
/// The one place that catches what user code throws: any type, from a task, a sink or a copy
/// constructor. An exception object whose own destructor throws does so as its handler ends: that
/// is why the handlers nest. The outermost never lets its exception be destroyed, so the chain ends
/// there. A thread that is cancelled or calls pthread_exit unwinds on. Without exceptions it only
/// runs `body`.
void attempt(action body, action on_exception);

/// A source without a state where there is no memory for one: then nothing is asked to stop.
stop_source make_stop_source();

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
