// SPDX-License-Identifier: MIT
#pragma once

// What is to be done when a thread ends that has used the library.

#include "abi.hpp"
#include "signals.hpp"
#include "thread_state.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Has the calling thread call `Step` when it ends.
///
/// A destructor of a thread_local would do. But the loader keeps a module from being unloaded as
/// long as a thread has one of it, and takes its lock to note that, which is held while
/// constructors of modules run, and these may wait for tasks. So it is for other threads of the
/// program only: those of the library take their steps themselves, and what main holds stays with
/// it until the end.
template <void (*Step)() noexcept>
void call_at_thread_end() noexcept {
#if defined(__linux__)
    if (!std::exchange(this_thread.knows_its_kind, true)) {
        this_thread.takes_last_steps = is_main_thread();
    }
#endif
    if (this_thread.takes_last_steps) {
        for (auto& place : this_thread.last_steps) {
            if (place == nullptr || place == Step) {
                place = Step;
                return;
            }
        }
    }
    struct last_step {
        ~last_step() { Step(); }
    };
    static thread_local const last_step at_the_end;
    static_cast<void>(at_the_end);
}

/// For a thread of the library.
void begin_thread() noexcept;

/// What still comes, from destructors of thread_locals, does without what was given back.
void take_last_steps() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
