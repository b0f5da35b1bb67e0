// SPDX-License-Identifier: MIT
#pragma once

#include "../errors/report.hpp"
#include "../errors/stderr_sink.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../task/resumption.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "abandoned_tasks.hpp"

#include <cstddef>
#include <string_view>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandoned_tasks::add_queued(const stored_task& task) {
    if (task.type == &resumption_type) {
        add(*std::exchange(static_cast<resumption*>(task.closure)->one, nullptr), queued);
        return;
    }
    count(task.where, task.name, queued);
    discard(task);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandoned_tasks::add_waiting(wait_entry& wait) {
    add(*wait.coroutine, waiting, [&] { return wait.give_up(wait); });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandoned_tasks::add_running(const call_site& where,
                                                                       const char* name) noexcept {
    has_any_ = true;
    if (group* const found = find(where, name, running)) {
        ++found->tasks;
    } else {
        ++groups_[places - 1].tasks;
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE abandoned_tasks::group*
abandoned_tasks::find(const call_site& where, const char* name, std::string_view why) noexcept {
    for (std::size_t i = 0; i < used_; ++i) {
        group& known = groups_[i];
        if (known.name == name && known.why == why && is_same_place(known.where, where)) {
            return &known;
        }
    }
    if (used_ == places) {
        return nullptr;
    }
    groups_[used_] = {where, name, why, 0};
    return &groups_[used_++];
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool abandoned_tasks::may_ask(bool& has_been_asked) noexcept {
    const bool is_left = time_.is_left();
    return !std::exchange(has_been_asked, true) || is_left;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandoned_tasks::add(task_ptr task,
                                                               std::string_view why) {
    has_any_ = true;
    const bool has_own_sink = task->details != nullptr && task->details->on_error;
    if (has_own_sink && may_ask(has_asked_own_)) {
        drop_task(std::move(task), on_, failure::abandoned, why);
    } else {
        count(task->where, task->name, why);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandoned_tasks::add(suspended& one,
                                                               std::string_view why) {
    add(one, why, [&] { return one.destroy(); });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
abandoned_tasks::count(const call_site& where, const char* name, std::string_view why) {
    has_any_ = true;
    group* found = find(where, name, why);
    if (found == nullptr) {
        report_groups();
        found = find(where, name, why);
    }
    ++found->tasks;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandoned_tasks::report_groups() {
    const std::size_t groups = std::exchange(used_, 0);
    for (std::size_t i = 0; i < groups; ++i) {
        const group& one = groups_[i];
        error_report abandoned =
            make_report(failure::abandoned, one.where, or_empty(one.name), one.why);
        abandoned.suppressed = one.tasks - 1;
        if (may_ask(has_asked_common_)) {
            report(abandoned, nullptr, on_.sink.load(std::memory_order_relaxed));
        } else {
            default_sink().write(abandoned);
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool abandonment::go_on() {
    for (abandonment* one = this_thread.abandoning; one != nullptr; one = one->outer_) {
        if (one->due_ <= steady_clock::now() && one->next_()) {
            return true;
        }
    }
    return false;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void give_up_all(function_ref<bool()> next) {
    const abandonment under_way(next);
    while (next()) {
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void abandon_waits(scheduler& closing,
                                                        abandoned_tasks& abandoned) {
    wait_entry* left = closing.books.end_waits();
    give_up_all([&] {
        if (left == nullptr) {
            return false;
        }
        wait_entry& one = *std::exchange(left, left->next);
        scheduler& kept = *one.kept; // which may stand on the one that closes
        abandoned.add_waiting(one);
        closing.books.note_wait_ended();
        kept.release_scheduler();
        return true;
    });
    while (closing.books.waiting() > 0 && abandoned.has_time_to_wait()) {
        std::this_thread::yield();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
