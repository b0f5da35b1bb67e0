// SPDX-License-Identifier: MIT
#pragma once

#include "task_runner.hpp"

#include "../executor/executor_parts.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../queue/claim.hpp"
#include "../queue/lanes.hpp"
#include "../queue/pending_limit.hpp"
#include "../task/run_task.hpp"
#include "../task/task.hpp"
#include "../task/task_run.ipp"
#include "worker.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE
task_runner::task_runner(lane_set& lanes, pending_limit& limit, shutdown_participant& owner,
                         executor_parts& parts) noexcept
    : lanes_(lanes), limit_(limit), owner_(owner), parts_(parts) {}

FIRE_AND_FORGET_ENGINE void task_runner::run(worker& self) {
    task_node* node = node_in(self.taker.taken());
    if (node != nullptr) {
        self.taker.finish_slot(); // its block need not wait for the task
    } else {
        node = run_slots(self);
    }
    if (node != nullptr) {
        run_node(self, task_ptr(node));
    }
}

/// Runs the task that stands in a slot, and those taken together with it, up to one from the heap:
/// that has begun then.
FIRE_AND_FORGET_ENGINE task_node* task_runner::run_slots(worker& self) {
    claim& its = self.taker.its();
    const slot& first = its.begun();
    bool has_task = true;
    fate result = fate::failed; // also where a task ends its thread by force
    const scope_guard at_the_end([&] {
        if (has_task) {
            owner_.end_if_forked();
            its.begun().empty();
        }
        self.taker.finish_slots(first);
        if (has_task) {
            count(self, its.end(), result);
        }
    });
    const bool is_limited = limit_.exists();
    task_run run(task_in(first), parts_.lent);
    for (;;) {
        if (is_limited) {
            limit_.leave(); // RUNNER-2
        }
        const fate its_fate = run.at_once();
        if (!its.has_more() || lanes_.is_withheld() || !owner_.is_in_its_process()) {
            run.settle();
            result = its_fate;
            return nullptr;
        }
        task_node* node = nullptr;
        const bool has_next = its.go_on(
            [&](bool ends_here) {
                its.begun().empty();
                count(self, ends_here, its_fate);
            },
            [&](slot& next) {
                const task_vtable* const type = next.type.load(std::memory_order_relaxed);
                if (type == &in_node) [[unlikely]] {
                    node = node_in(next);
                    next.empty();
                    its.describe(next.where, node->name);
                } else {
                    its.describe(next.where);
                    run.go_on_with(*type, next.closure, next.where);
                }
            });
        if (!has_next || node != nullptr) {
            run.settle();
            has_task = false;
            return node;
        }
    }
}

FIRE_AND_FORGET_ENGINE void task_runner::run_node(worker& self, task_ptr task) {
    fate result = fate::failed;
    const bool repeats = task->repeats(); // then it leaves when it is not to be run again,
    bool leaves_place = limit_.exists() && repeats && task->via == nullptr; // or by who runs it
    if (limit_.exists() && !repeats) {
        limit_.leave(); // RUNNER-2
    }
    const scope_guard at_the_end([&] {
        owner_.end_if_forked();
        count(self, self.taker.end(), result);
        if (leaves_place) {
            limit_.leave();
        }
    });
    result = run_task(std::move(task), parts_.lent, [&](task_ptr& again, std::uint64_t skipped) {
        leaves_place = !parts_.delayed.repeat(again, skipped) && limit_.exists();
    });
}

/// Counts the task that has ended, unless that has been done. // RUNNER-1
inline void task_runner::count(worker& self, bool ends_here, fate result) {
    if (ends_here) [[likely]] {
        self.counts.add(result);
    } else {
        end_written_off();
    }
}

FIRE_AND_FORGET_ENGINE void task_runner::end_written_off() {
    const library_lock lock(parts_.quiet.mutex());
    parts_.end.note_written_off_end();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
