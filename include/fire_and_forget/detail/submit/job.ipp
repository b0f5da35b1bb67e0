// SPDX-License-Identifier: MIT
#pragma once

#include "../executor/abandoned_tasks.hpp"
#include "../platform/platform.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/run_task.hpp"
#include "job.hpp"

#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

/// Whether the task goes in the same call that handed it over. That call is told.
FIRE_AND_FORGET_ENGINE bool is_dropped_in_call(const task_node& task) noexcept {
    return task.is_handed_over && hand_over::note_dropped(task.number);
}

} // namespace detail

FIRE_AND_FORGET_ENGINE void job::operator()() {
    if (task_) {
        detail::run_task(std::move(task_), detail::foreign_host());
    }
}

namespace detail {

/// A scope that ends with a job waits, be it for others that its thread would have to call or drop.
/// Nobody but the executor knows.
FIRE_AND_FORGET_ENGINE bool tell_of_wait() noexcept {
    constexpr std::string_view what =
        "[fire_and_forget] a task_scope ends with a job that its executor has dropped, and waits "
        "for tasks of its own: for ever, if this thread is to call or drop them\n";
    write_stderr(what.data(), what.size());
    return false;
}

} // namespace detail

FIRE_AND_FORGET_ENGINE void job::abandon() {
    constexpr std::chrono::seconds long_enough{1};
    bool has_told = false;
    const auto tell_once = [&] { return !std::exchange(has_told, true) && detail::tell_of_wait(); };
    const detail::abandonment under_way(tell_once,
                                        detail::later(detail::steady_clock::now(), long_enough));
    if (detail::is_dropped_in_call(*task_)) {
        task_.reset(); // the front door reports what is dropped before its call ends, as refused
        return;
    }
    detail::drop_task(std::move(task_), detail::foreign_host(), failure::abandoned,
                      "its executor destroyed the job without running it");
}

namespace detail {

FIRE_AND_FORGET_ENGINE submission execute_on(function_ref<refusal(task_ptr&)> accept, job& work) {
    if (!work) {
        return submission(refusal::empty_callable);
    }
    task_ptr task = job_access::take(work);
    if (!task->is_handed_over || hand_over::find(task->number) == nullptr) { // no call is told
        task->number = hand_over::no_number;
        task->is_handed_over = true;
    }
    const refusal why = accept(task);
    if (why != refusal::none && task != nullptr && !is_dropped_in_call(*task)) {
        drop_task(std::move(task), foreign_host(), failure::refused, to_string(why));
    }
    return submission(why);
}

} // namespace detail

} // namespace faf::inline FIRE_AND_FORGET_ABI
