// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/scope_guard.hpp"
#include "host.hpp"
#include "resumption.hpp"
#include "run_task.hpp"
#include "scheduler.hpp"
#include "task.hpp"
#include "task_run.hpp"

#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE fate run_task(const stored_task& task, const host& on) {
    return task_run(task, on).to_the_end();
}

FIRE_AND_FORGET_ENGINE fate run_to_the_end(node_memory node, const host& on) {
    task_run run(task_in(*node), on);
    const fate result = run.to_the_end();
    node->end_details();
    return result;
}

FIRE_AND_FORGET_ENGINE fate run_task(task_ptr task, const host& on) {
    if (task->via != nullptr) {
        return bring_task(std::move(task));
    }
    return run_to_the_end(node_memory(task.release()), on);
}

FIRE_AND_FORGET_ENGINE fate bring_task(task_ptr task) {
    stacked_scheduler& to = *task->via;
    to.bring(std::move(task));
    return fate::open;
}

FIRE_AND_FORGET_ENGINE fate run_in_turn(const stored_task& task, const host& on, scheduler& of) {
    task_run run(task, on);
    run.be_part_of_turn(of);
    return run.to_the_end();
}

FIRE_AND_FORGET_ENGINE fate run_in_turn(timer_node& item, const host& on, scheduler& of) {
    if (item.is_resumption) {
        resumption coroutine{static_cast<suspended*>(&item)};
        return run_in_turn(coroutine.task(), on, of);
    }
    node_memory node(static_cast<task_node*>(&item));
    if (!node->repeats()) {
        return run_in_turn(task_in(*node), on, of);
    }
    bool comes_again = false;
    const scope_guard at_the_end([&] { // also for a run that ends its thread
        if (node != nullptr) {         // else a coroutine has it
            of.repeat_after(comes_again ? task_ptr(node.release()) : nullptr, repetition::go_on);
        }
    });
    task_run run(task_in(*node), on);
    run.be_part_of_turn(of);
    run.may_lend(node);
    return run.once(comes_again);
}

FIRE_AND_FORGET_ENGINE void drop_task(task_ptr task, const host& on, failure kind,
                                      std::string_view why) {
    if (task->type == &resumption_type) {
        if (suspended* const one = static_cast<resumption*>(task->closure())->one;
            one != nullptr && one->has_own_sink) {
            one->is_abandoned = true; // it tells that sink
            return;
        }
    }
    if (kind == failure::cancelled && takes_final_run(task, on)) {
        return;
    }
    const node_memory until_done(task.release());
    task_run(task_in(*until_done), on).drop_uncounted(kind, why);
}

FIRE_AND_FORGET_ENGINE bool takes_final_run(task_ptr& task, const host& on) {
    if (task->details == nullptr || !task->details->has_final_run || task->via != nullptr) {
        return false;
    }
    const node_memory until_done(task.release());
    task_run(task_in(*until_done), on).finally();
    return true;
}

FIRE_AND_FORGET_ENGINE void discard(const stored_task& task) {
    if (task.type->destroy == nullptr) {
        return;
    }
    attempt([&] { task.type->destroy(task.closure); },
            [&] {
                const exception_description thrown;
                error_report failed =
                    make_report(failure::exception, task.where, or_empty(task.name));
                thrown.add_to(failed);
                report(failed, nullptr, nullptr);
            });
}

FIRE_AND_FORGET_ENGINE void task_discarder::operator()(task_node* task) const {
    const node_memory until_done(task);
    discard(task_in(*task));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
