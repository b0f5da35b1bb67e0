// SPDX-License-Identifier: MIT
#pragma once

// One run of one task, which all of them come through: no exception of a task gets past it.
// run_task.hpp says how a run of each kind of task begins and ends.

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "host.hpp"
#include "scheduler.hpp"
#include "task.hpp"

#include <exception>
#include <string_view>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One run of one task, which it destroys. Its reports are made here, because they outlive the
/// closure: destroying that may throw as well.
class task_run {
public:
    task_run(const stored_task& task, const host& on) noexcept;

    ~task_run() {
        if (!is_settled_) [[unlikely]] {
            end_by_force();
        }
        leave_frame(this_thread.running, frame_.outer);
    }

    task_run(const task_run&) = delete;
    task_run& operator=(const task_run&) = delete;

    /// Runs the task and destroys it. Throws nothing but the unwinding of a thread that ends.
    fate to_the_end();

    /// The same for a task whose options say nothing about whether it may start. To be followed by
    /// settle(), or by go_on_with() the next one.
    fate at_once();
    void settle() noexcept { is_settled_ = true; }

    /// Runs a task that repeats, once; `goes_on` says whether it is to be run again. If not, it is
    /// destroyed.
    fate once(bool& goes_on);

    /// Goes on with a task that was started at `since` and suspended: it decides for itself what
    /// its stop_token means.
    fate resumed(steady_time since, const coroutine_books* in_books);

    /// After a task that has been run at once: the next one is another such.
    void go_on_with(const task_vtable& type, void* closure, const call_site& where) noexcept;

    /// Settles a task that no executor counts any more.
    fate drop_uncounted(failure kind, std::string_view why);

    /// Calls the task, which its executor does not count any more, for the last time.
    void finally();

    /// Destroys the task without running it and reports that as `kind`.
    fate drop(failure kind, std::string_view why);

    /// Called by the task itself if somebody else settles it, even where the thread ends.
    void leave_to_another() noexcept { is_settled_ = true; }

    /// Called by the task itself if it knows what became of it.
    void ended_as(fate result) noexcept { result_ = result; }
    fate result() const noexcept { return result_; }

    /// What repeats: while a coroutine that it has started waits, that has it.
    void may_lend(node_memory& repeated) noexcept { repeated_ = &repeated; }
    task_node* lend() noexcept;
    bool has_lent() const noexcept { return repeated_ != nullptr && *repeated_ == nullptr; }
    void take_back(task_node& repeated) noexcept;

    /// Called by a coroutine that has been handed over to whoever resumes it.
    void has_left() noexcept { has_left_ = true; }

    /// Whether it is to be called again.
    repetition answer() const noexcept { return answer_; }

    /// Called by the task itself if it said whether it wants to be called again.
    void answered(repetition answer) noexcept { answer_ = answer; }

    /// Called by the task itself if what it returned is an error.
    template <error_result Result>
    void returned(const Result& result) {
        if (!detail::holds_error(result)) {
            return;
        }
        if constexpr (exception_ptr_result<Result>) {
            report_returned_exception(result);
        } else if constexpr (!expected_result<Result>) {
            report_returned_error(result);
        } else if constexpr (std::is_void_v<decltype(result.error())>) {
            report(failure::error_result, nullptr, {}, "no value and no error");
        } else if constexpr (exception_ptr_result<std::remove_cvref_t<decltype(result.error())>>) {
            report_returned_exception(result.error());
        } else {
            report_returned_error(result.error());
        }
        result_ = fate::failed;
    }

    /// Called by the task itself if it ended with an exception that it has kept.
    void failed([[maybe_unused]] const std::exception_ptr& why);

    /// The same inside a handler.
    void failed_with_exception();

    /// Called by the task itself if it does no more, for a reason that is no exception.
    void given_up(failure kind, std::string_view why);

    const stored_task& task() const noexcept { return task_; }
    const host& on() const noexcept { return on_; }
    steady_time started() const noexcept { return started_; }

    /// It is part of a turn that a serial executor has on `on`: that counts the turn.
    void be_part_of_turn(scheduler& of) noexcept {
        frame_.via = &of;
        frame_.is_uncounted = true;
    }
    bool is_part_of_turn() const noexcept { return frame_.via != nullptr; }

    /// Where a coroutine is that it starts; null with executors of somebody else's.
    scheduler* home() const noexcept { return frame_.via != nullptr ? frame_.via : on_.home; }

    stop_token stop_of_executor() const noexcept { return on_.stop; }

    /// Throws if it is made of two, and there is no memory for that.
    stop_token stop_of_task() const;

    /// The sets that the task belongs to.
    const member_frame* members() const noexcept { return frame_.members; }
    void set_members(const member_frame* innermost) noexcept { frame_.members = innermost; }

private:
    bool is_timed() const noexcept;

    /// False if it was cancelled or has expired; then the result says which.
    bool may_start() noexcept;

    /// `time` after it could have started, which a negative time puts before.
    steady_time later_by(std::chrono::nanoseconds time) const noexcept;

    /// For a thread that is being ended, which has not settled the task.
    void end_by_force();

    void call();      ///< and tells who observes it
    void call_here(); ///< and nothing else
    void destroy_after_run();

    /// Once, even if that ends the thread.
    void destroy(action on_exception);

    void report_returned_exception(const std::exception_ptr& returned);

    template <class Error>
    void report_returned_error(const Error& error) {
        report_text text;
        detail::append_error_text(text, error);
        report(failure::error_result, nullptr, type_name<Error>(), text.view());
    }

    void report_exception(failure kind);

    void report(failure kind, std::exception_ptr exception, std::string_view type,
                std::string_view what);

    bool takes_final_run() noexcept;

    stored_task task_; // what is zero at first stands together: that takes fewer stores
    steady_time started_{};
    node_memory* repeated_ = nullptr;
    fate result_ = fate::succeeded;
    bool has_started_ = false;
    bool is_settled_ = false;
    bool is_destroyed_ = false;
    repetition answer_ = repetition::go_on;
    bool has_left_ = false;
    bool is_to_be_kept_ = false; ///< what is not settled is to be run again
    const host& on_;
    task_frame frame_{&on_, this_thread.running};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
