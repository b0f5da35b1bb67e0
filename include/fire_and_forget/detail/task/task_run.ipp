// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/attempt.ipp"
#include "../platform/platform.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "host.hpp"
#include "member_frame.hpp"
#include "observation.hpp"
#include "scheduler.hpp"
#include "task.hpp"
#include "task_run.hpp"

#include <exception>
#include <memory>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE task_run::task_run(const stored_task& task, const host& on) noexcept
    : task_(task), on_(on) {
    enter_frame(this_thread.running, frame_);
    if (is_timed()) {
        started_ = on.now();
    }
}

FIRE_AND_FORGET_ENGINE void task_run::go_on_with(const task_vtable& type, void* closure,
                                                 const call_site& where) noexcept {
    task_.type = &type;
    task_.closure = closure;
    task_.where = where;
    result_ = fate::succeeded;
    has_started_ = false;
    is_settled_ = false;
    is_destroyed_ = false;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void task_run::end_by_force() {
    report(failure::worker_lost, nullptr, {}, "it called pthread_exit or was cancelled");
    if (!is_to_be_kept_) {
        destroy([&] { report_exception(failure::exception); });
    }
}

[[gnu::always_inline]] inline void task_run::call_here() {
    detail::attempt_here([&] { task_.type->call(task_.closure, *this); },
                         [&] { failed_with_exception(); });
}

/// What every small task comes through, so that a call is worth saving.
[[gnu::always_inline]] inline fate task_run::at_once() {
    call_here();
    destroy_after_run();
    return result_;
}

/// Outside the handler: a closure that throws on destruction must not meet the unwinding.
[[gnu::always_inline]] inline void task_run::destroy_after_run() {
    if (task_.type->destroy != nullptr) {
        destroy([&] { failed_with_exception(); });
    }
}

FIRE_AND_FORGET_ENGINE fate task_run::to_the_end() {
    if (task_.details != nullptr && !may_start()) {
        return drop(result_ == fate::cancelled ? failure::cancelled : failure::expired, {});
    }
    call();
    destroy_after_run();
    settle();
    return result_;
}

FIRE_AND_FORGET_ENGINE fate task_run::once(bool& goes_on) {
    const bool may_go_on = may_start();
    if (may_go_on || takes_final_run()) {
        is_to_be_kept_ = goes_on = may_go_on; // even if it ends the thread
        call();
        if (has_lent()) { // its coroutine goes on, and is followed by the next run
            return result_;
        }
        goes_on = may_go_on && answer_ == repetition::go_on;
    } else {
        goes_on = result_ == fate::expired;
        report(goes_on ? failure::expired : failure::cancelled, nullptr, {}, {});
    }
    if (!goes_on) {
        destroy([&] { report_exception(failure::exception); });
    }
    is_settled_ = true;
    return result_;
}

/// Whether it is cancelled, but is to be called once more before it ends.
FIRE_AND_FORGET_ENGINE bool task_run::takes_final_run() noexcept {
    const bool takes_it =
        result_ == fate::cancelled && std::exchange(task_.details->has_final_run, false);
    result_ = takes_it ? fate::succeeded : result_;
    return takes_it;
}

FIRE_AND_FORGET_ENGINE void task_run::finally() {
    frame_.is_uncounted = true;
    call();
    destroy([&] { report_exception(failure::exception); });
    is_settled_ = true;
}

FIRE_AND_FORGET_ENGINE fate task_run::resumed(steady_time since, const coroutine_books* in_books) {
    started_ = since;
    frame_.of_books = in_books;
    frame_.is_uncounted = true; // the executor counts the task that resumes it
    call();
    destroy([&] { failed_with_exception(); });
    is_settled_ = true;
    return result_;
}

FIRE_AND_FORGET_ENGINE fate task_run::drop_uncounted(failure kind, std::string_view why) {
    frame_.is_uncounted = true;
    return drop(kind, why);
}

FIRE_AND_FORGET_ENGINE fate task_run::drop(failure kind, std::string_view why) {
    report(kind, nullptr, {}, why);
    destroy([&] { report_exception(failure::exception); });
    is_settled_ = true;
    return kind == failure::cancelled ? fate::cancelled
           : kind == failure::expired ? fate::expired
                                      : fate::dropped;
}

FIRE_AND_FORGET_ENGINE task_node* task_run::lend() noexcept {
    if (repeated_ == nullptr) {
        return nullptr;
    }
    is_settled_ = true;
    return repeated_->release();
}

FIRE_AND_FORGET_ENGINE void task_run::take_back(task_node& repeated) noexcept {
    is_settled_ = false;
    repeated_->reset(&repeated);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
task_run::failed([[maybe_unused]] const std::exception_ptr& why) {
#if defined(__cpp_exceptions)
    attempt([&] { std::rethrow_exception(why); }, [&] { failed_with_exception(); });
#endif
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void task_run::failed_with_exception() {
    report_exception(failure::exception);
    result_ = fate::failed;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void task_run::given_up(failure kind, std::string_view why) {
    report(kind, nullptr, {}, why);
    result_ = kind == failure::cancelled ? fate::cancelled : fate::dropped;
}

FIRE_AND_FORGET_ENGINE stop_token task_run::stop_of_task() const {
    if (frame_.members != nullptr) {
        return frame_.members->token();
    }
    return task_.details != nullptr ? task_.details->stop : stop_token{};
}

FIRE_AND_FORGET_ENGINE bool task_run::is_timed() const noexcept {
    return task_.due != steady_time();
}

FIRE_AND_FORGET_ENGINE bool task_run::may_start() noexcept {
    if (task_.details->stop.stop_requested()) {
        result_ = fate::cancelled;
    } else if (const auto expires = task_.details->expires;
               expires != std::chrono::nanoseconds(0) && later_by(expires) < started_) {
        result_ = fate::expired;
    }
    return result_ == fate::succeeded;
}

FIRE_AND_FORGET_ENGINE steady_time
task_run::later_by(std::chrono::nanoseconds time) const noexcept {
    return time > std::chrono::nanoseconds(0) ? later(task_.due, time) : task_.due + time;
}

FIRE_AND_FORGET_ENGINE void task_run::call() {
    has_started_ = true;
    if (task_.details == nullptr || task_.details->seen == nullptr) [[likely]] {
        call_here();
        return;
    }
    const stored_task task = task_;
    const std::shared_ptr<observation> seen = task.details->seen; // a coroutine may take them along
    seen->begin(task);
    call_here();
    seen->end(task, has_left_                    ? run_result::suspended
                    : result_ == fate::succeeded ? run_result::succeeded
                                                 : run_result::failed);
}

FIRE_AND_FORGET_ENGINE void task_run::destroy(action on_exception) {
    if (!std::exchange(is_destroyed_, true) && task_.type->destroy != nullptr) {
        attempt([&] { task_.type->destroy(task_.closure); }, on_exception);
    }
}

FIRE_AND_FORGET_ENGINE void
task_run::report_returned_exception(const std::exception_ptr& returned) {
#if defined(__cpp_exceptions)
    if (returned != nullptr) {
        attempt([&] { std::rethrow_exception(returned); },
                [&] { report_exception(failure::error_result); });
        return;
    }
#endif
    report(failure::error_result, returned, {},
           returned == nullptr ? "no value and no exception" : "");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void task_run::report_exception(failure kind) {
    const exception_description thrown;
    report(kind, thrown.exception(), thrown.type(), thrown.what());
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void task_run::report(failure kind,
                                                           std::exception_ptr exception,
                                                           std::string_view type,
                                                           std::string_view what) {
    error_report report = make_report(kind, task_.where, or_empty(task_.name), what);
    report.exception = std::move(exception);
    report.type = type;
    if (is_timed()) {
        report.waited = task_.due < started_ ? started_ - task_.due : std::chrono::nanoseconds(0);
        if (has_started_) {
            report.ran = on_.now() - started_;
        }
    }
    detail::report(report, task_.details != nullptr ? &task_.details->on_error : nullptr,
                   on_.sink.load(std::memory_order_relaxed));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
