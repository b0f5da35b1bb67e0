// SPDX-License-Identifier: MIT
#pragma once

#include "caller_runs.hpp"

#include "../executor/executor_parts.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../task/run_task.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE refusal caller_runs::run(task_ptr& task) {
    if (task->is_delayed || task->repeats()) {
        return refusal::queue_full; // that one can't be run now
    }
    running_tasks::entry its(task->where, task->name);
    {
        const library_lock lock(parts_.quiet.mutex());
        if (!parts_.end.is_open_here()) {
            return refusal::shutting_down;
        }
        running_.link(its);
    }
    run(std::move(task), its);
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE void caller_runs::run_accepted(task_ptr task) {
    running_tasks::entry its(task->where, task->name);
    {
        const library_lock lock(parts_.quiet.mutex());
        running_.link(its);
    }
    run(std::move(task), its);
}

/// Counts the run even where the task ends the thread by force: then it has failed.
FIRE_AND_FORGET_ENGINE void caller_runs::run(task_ptr task, running_tasks::entry& its) {
    entered_.fetch_add(1, std::memory_order_relaxed);
    owner_.keep(); // the task may end it
    fate result = fate::failed;
    const scope_guard at_the_end([&] {
        if (!owner_.is_in_its_process()) {
            return; // the task has forked, and its caller goes on in the child
        }
        {
            const library_lock lock(parts_.quiet.mutex());
            if (running_.unlink(its)) {
                ended_.add(result);
            } else {
                parts_.end.note_written_off_end();
            }
            parts_.quiet.notify();
        }
        owner_.release();
    });
    const running_entry_item item(parts_.quiet.mutex(), its, &parts_.lent);
    result = run_task(std::move(task), parts_.lent);
}

FIRE_AND_FORGET_ENGINE std::size_t caller_runs::write_off(abandoned_tasks& abandoned) noexcept {
    const write_offs lost = running_.write_off(abandoned);
    ended_.abandoned += lost.tasks;
    return lost.all();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
