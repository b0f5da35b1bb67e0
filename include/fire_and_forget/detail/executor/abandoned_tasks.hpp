// SPDX-License-Identifier: MIT
#pragma once

// Reports the tasks that a closing pool leaves undone: not a million lines, but one for each place
// they were fired from.

#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts abandoned tasks by place and name, and reports each group once. When there are more
/// groups than it has room for, the full ones are reported and it starts again: nothing is lost.
///
/// Sinks are asked as long as there is time, and each of them once in any case: of the tasks' own
/// the first, and that of all. The rest goes to standard error, because a slow sink must not hold up
/// the end of the program.
class abandoned_tasks {
public:
    abandoned_tasks(const host& on, sink_time& time) noexcept : on_(on), time_(time) {}
    ~abandoned_tasks() { report_groups(); }
    abandoned_tasks(const abandoned_tasks&) = delete;
    abandoned_tasks& operator=(const abandoned_tasks&) = delete;

    /// Whether sinks are still asked.
    bool has_time() noexcept { return time_.is_left(); }

    /// Whether there was any.
    bool has_any() const noexcept { return has_any_; }

    /// Settles a task from the heap. One with a sink of its own is told there.
    void add_queued(task_ptr task) { add(std::move(task), queued); }

    /// The same for one whose time had not come.
    void add_delayed(task_ptr task) { add(std::move(task), delayed); }

    /// Settles a task in a slot.
    void add_queued(const stored_task& task) {
        if (&task.type == &resumption_type) {
            add(*std::exchange(static_cast<resumption*>(task.closure)->one, nullptr), queued);
            return;
        }
        count(task.where, task.name, queued);
        discard(task);
    }

    /// Settles a coroutine.
    void add_queued(suspended& one) { add(one, delayed); }

    /// Settles a coroutine that waits for somebody else's code.
    void add_waiting(wait_entry& wait) {
        add(*wait.coroutine, waiting, [&] { return wait.give_up(wait); });
    }

    /// Counts one task that is still running. Reports nothing yet, so it may be called under a
    /// lock; what finds no room is counted with the last group.
    void add_running(const call_site& where, const char* name) noexcept {
        has_any_ = true;
        if (group* const found = find(where, name, running)) {
            ++found->tasks;
        } else {
            ++groups_[places - 1].tasks;
        }
    }

private:
    static constexpr std::string_view queued = "it was still queued when its time was up";
    static constexpr std::string_view delayed = "it still waited for its time to start";
    static constexpr std::string_view waiting = "it still waited for somebody else's code";
    static constexpr std::string_view running = "it was still running when its time was up";
    static constexpr std::size_t places = 64;

    struct group {
        call_site where;
        const char* name = nullptr;
        std::string_view why;
        std::uint64_t tasks = 0;
    };

    /// The group of these, a new one if need be; null if there is no room.
    group* find(const call_site& where, const char* name, std::string_view why) noexcept {
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

    bool may_ask(bool& has_been_asked) noexcept {
        const bool is_left = has_time();
        return !std::exchange(has_been_asked, true) || is_left;
    }

    void add(task_ptr task, std::string_view why) {
        has_any_ = true;
        const bool has_own_sink = task->details != nullptr && task->details->on_error;
        if (has_own_sink && may_ask(has_asked_own_)) {
            drop_task(std::move(task), on_, failure::abandoned, why);
        } else {
            count(task->where, task->name, why);
        }
    }

    void add(suspended& one, std::string_view why) {
        add(one, why, [&] { return one.destroy(one); });
    }

    template <class End>
    void add(suspended& one, std::string_view why, End end) {
        const call_site where = one.where;
        const char* const name = one.name;
        const bool reports_itself = one.has_own_sink && may_ask(has_asked_own_);
        one.is_abandoned = reports_itself;
        has_any_ = true;
        if (end() && !reports_itself) {
            count(where, name, why);
        }
    }

    void count(const call_site& where, const char* name, std::string_view why) {
        has_any_ = true;
        group* found = find(where, name, why);
        if (found == nullptr) {
            report_groups();
            found = find(where, name, why);
        }
        ++found->tasks;
    }

    void report_groups() {
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

    const host& on_;
    sink_time& time_;
    bool has_any_ = false;
    bool has_asked_own_ = false;
    bool has_asked_common_ = false;
    group groups_[places]{};
    std::size_t used_ = 0;
};

/// Settles the coroutines that wait at `closing` for somebody else's code. Those that are just being
/// woken are waited for, as long as there is time.
inline void abandon_waits(scheduler& closing, abandoned_tasks& abandoned) {
    for (wait_entry* wait = closing.books.end_waits(); wait != nullptr;) {
        wait_entry& one = *std::exchange(wait, static_cast<wait_entry*>(wait->next));
        abandoned.add_waiting(one);
        closing.books.note_wait_ended();
        closing.release_scheduler();
    }
    while (closing.books.waiting() > 0 && abandoned.has_time()) {
        std::this_thread::yield();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
