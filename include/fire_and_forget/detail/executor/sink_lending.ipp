// SPDX-License-Identifier: MIT
#pragma once

#include "sink_lending.hpp"

#include "../platform/reentry.hpp"

#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_lending::give_up(steady_time deadline) {
    const inside_library waiting;
    std::unique_lock lock(quiet_.mutex());
    const std::size_t own = loans_from(this, this_thread.left_loans);
    for (slices wait;
         borrowers_ > own + kept_by_exit_ && sink() != nullptr && steady_clock::now() < deadline;) {
        quiet_.wait(wait, lock, deadline);
    }
    set(nullptr);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void sink_lending::note_exiting() noexcept {
    const library_lock lock(quiet_.mutex());
    kept_by_exit_ += loans_from(this, this_thread.left_loans);
    quiet_.notify();
}

FIRE_AND_FORGET_ENGINE sink_lending::loan::loan(sink_lending& from) noexcept
    : from_(from), frame_{&from, this_thread.loans} {
    from.owner_.keep();
    enter_frame(this_thread.loans, frame_);
    const library_lock lock(from.quiet_.mutex());
    ++from.borrowers_;
}

FIRE_AND_FORGET_ENGINE sink_lending::loan::~loan() {
    leave_frame(this_thread.loans, frame_.outer);
    if (!from_.owner_.is_in_its_process()) {
        return; // the sink has forked, and comes back in the child
    }
    {
        const library_lock lock(from_.quiet_.mutex());
        --from_.borrowers_;
        from_.quiet_.notify();
    }
    from_.owner_.release();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
