// SPDX-License-Identifier: MIT
#pragma once

// Runs a task from start to fate, and drops one that will not run: what pool, own_thread and every
// other executor do with what they were given. task_run.hpp is the choke point of all of it.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/scope_guard.hpp"
#include "host.hpp"
#include "scheduler.hpp"
#include "task.hpp"
#include "task_run.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Runs a task that stands in a slot, on behalf of `on`, which must outlive the run.
fate run_task(const stored_task& task, const host& on);

/// Runs a task from the heap.
fate run_task(task_ptr task, const host& on);

/// Runs what comes in the turn of a serial executor: a task, or a coroutine that goes on.
fate run_in_turn(timer_node& item, const host& on, scheduler& of);
fate run_in_turn(const stored_task& task, const host& on, scheduler& of);

/// Runs a task from the heap that is not to be run again, and gives it back.
fate run_to_the_end(node_memory node, const host& on);

/// Takes a task from the heap to where it is to run.
fate bring_task(task_ptr task);

/// What repeats ends with its executor, which does not count it any more: calls it once more, if it
/// is to be. Not what belongs to a stacked_scheduler: others may run there.
bool takes_final_run(task_ptr& task, const host& on);

/// Runs a task from the heap on an executor that has time. One that is to be run again is not
/// destroyed but offered to `again`, when its next time is set, and ends if it is not taken.
template <class Again>
fate run_task(task_ptr task, const host& on, Again again) {
    if (task->via != nullptr) {
        return bring_task(std::move(task));
    }
    node_memory node(task.release());
    if (!node->repeats()) {
        return run_to_the_end(std::move(node), on);
    }
    task_ptr next;
    bool comes_again = false;
    fate result = fate::failed;
    {
        const scope_guard at_the_end([&] {        // also for a run that ends its thread
            if (comes_again && node != nullptr) { // else a coroutine has it
                const std::uint64_t skipped = node->advance(on.now());
                next.reset(node.release());
                again(next, skipped);
            }
        });
        task_run run(task_in(*node), on);
        run.may_lend(node);
        result = run.once(comes_again);
        if (!comes_again && node != nullptr) {
            node->end_details();
        }
    }
    if (next != nullptr) {
        static_cast<void>(takes_final_run(next, on));
    }
    return result;
}

/// Settles a task that will never run: reports it as `kind`, with its own sink asked first.
void drop_task(task_ptr task, const host& on, failure kind, std::string_view why);

/// Destroys a closure whose fate is settled; what that throws is reported.
void discard(const stored_task& task);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
