// SPDX-License-Identifier: MIT
#pragma once

// A pool that takes its time before it has the turn of a serial or conflating executor, as one does
// whose caller has been stopped between two steps.

#include <fire_and_forget/fire_and_forget.hpp>

#include <functional>
#include <utility>

namespace faf_test {

/// Calls before_turn, once, before it takes the first turn.
class late_pool {
public:
    explicit late_pool(faf::thread_pool& behind) : behind_(behind) {}
    faf::submission execute(faf::job work) {
        return faf::submission(behind_.execute(std::move(work)));
    }

    late_pool& core() noexcept { return *this; }
    faf::refusal accept(faf::detail::task_ptr& task) { return behind_.accept(task); }
    faf::refusal start_turn(faf::detail::suspended& turn) {
        std::exchange(before_turn, [] {})();
        return behind_.start_turn(turn);
    }
    faf::detail::scheduler* home() const noexcept { return behind_.home(); }
    faf::detail::refusal_sink refused_to() const noexcept { return behind_.refused_to(); }
    void note_refused() const noexcept { behind_.note_refused(); }

    std::function<void()> before_turn;

private:
    faf::detail::any_core behind_;
};

} // namespace faf_test
