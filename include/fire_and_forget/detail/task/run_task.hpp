// SPDX-License-Identifier: MIT
#pragma once

// Runs one task from start to fate. The choke point: pool, own_thread and every other executor come
// through here, and no exception of a task gets past it.

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "host.hpp"
#include "scheduler.hpp"
#include "task.hpp"

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One run of one task, which it destroys. Its reports are made here, because they outlive the
/// closure: destroying that may throw as well.
class task_run {
public:
    task_run(const stored_task& task, const host& on) noexcept : task_(task), on_(on) {
        this_thread.running = &frame_;
        if (is_timed()) {
            started_ = on.now();
        }
    }

    /// Only a thread that is being ended gets here without having settled the task.
    ~task_run() {
        if (!is_settled_) {
            report(failure::worker_lost, nullptr, {}, "it called pthread_exit or was cancelled");
            if (!is_to_be_kept_) {
                destroy([&] { report_exception(failure::exception); });
            }
        }
        this_thread.running = frame_.outer;
    }

    task_run(const task_run&) = delete;
    task_run& operator=(const task_run&) = delete;

    /// Runs the task and destroys it. Throws nothing but the unwinding of a thread that ends.
    fate to_the_end() {
        if (task_.details != nullptr && !may_start()) {
            return drop(result_ == fate::cancelled ? failure::cancelled : failure::expired, {});
        }
        call();
        // Outside the handler: a closure that throws on destruction must not meet the unwinding.
        destroy([&] { failed_with_exception(); });
        is_settled_ = true;
        return result_;
    }

    /// Runs a task that repeats, once; `goes_on` says whether it is to be run again. If not, it is
    /// destroyed.
    fate once(bool& goes_on) {
        if (may_start()) {
            is_to_be_kept_ = goes_on = true; // even if it ends the thread
            call();
            if (has_lent()) { // its coroutine goes on, and is followed by the next run
                return result_;
            }
            goes_on = answer_ == repetition::go_on;
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

    /// Goes on with a task that was started at `since` and suspended: it decides for itself what
    /// its stop_token means.
    fate resumed(steady_time since, const scheduler* in_books_of) {
        started_ = since;
        frame_.of_books = in_books_of;
        frame_.is_uncounted = true; // the executor counts the task that resumes it
        call();
        destroy([&] { failed_with_exception(); });
        is_settled_ = true;
        return result_;
    }

    /// Settles a task that no executor counts any more.
    fate drop_uncounted(failure kind, std::string_view why) {
        frame_.is_uncounted = true;
        return drop(kind, why);
    }

    /// Destroys the task without running it and reports that as `kind`.
    fate drop(failure kind, std::string_view why) {
        report(kind, nullptr, {}, why);
        destroy([&] { report_exception(failure::exception); });
        is_settled_ = true;
        return kind == failure::cancelled ? fate::cancelled
               : kind == failure::expired ? fate::expired
                                          : fate::dropped;
    }

    /// Called by the task itself if somebody else settles it, even where the thread ends.
    void leave_to_another() noexcept { is_settled_ = true; }

    /// Called by the task itself if it knows what became of it.
    void ended_as(fate result) noexcept { result_ = result; }
    fate result() const noexcept { return result_; }

    /// What repeats: while a coroutine that it has started waits, that has it.
    void may_lend(node_memory& repeated) noexcept { repeated_ = &repeated; }
    task_node* lend() noexcept {
        if (repeated_ == nullptr) {
            return nullptr;
        }
        is_settled_ = true;
        return repeated_->release();
    }
    bool has_lent() const noexcept { return repeated_ != nullptr && *repeated_ == nullptr; }
    void take_back(task_node& repeated) noexcept {
        is_settled_ = false;
        repeated_->reset(&repeated);
    }

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
    void failed([[maybe_unused]] const std::exception_ptr& why) {
#if defined(__cpp_exceptions)
        attempt([&] { std::rethrow_exception(why); }, [&] { failed_with_exception(); });
#endif
    }

    /// The same inside a handler.
    void failed_with_exception() {
        report_exception(failure::exception);
        result_ = fate::failed;
    }

    /// Called by the task itself if it does no more, for a reason that is no exception.
    void given_up(failure kind, std::string_view why) {
        report(kind, nullptr, {}, why);
        result_ = kind == failure::cancelled ? fate::cancelled : fate::dropped;
    }

    const stored_task& task() const noexcept {
        return task_;
    }
    const host& on() const noexcept {
        return on_;
    }
    steady_time started() const noexcept {
        return started_;
    }

    stop_token stop_of_executor() const noexcept {
        return on_.stop;
    }
    stop_token stop_of_task() const {
        return task_.details != nullptr ? task_.details->stop : stop_token{};
    }

private:
    bool is_timed() const noexcept {
        return task_.due != steady_time();
    }

    /// False if it was cancelled or has expired; then the result says which.
    bool may_start() noexcept {
        if (task_.details->stop.stop_requested()) {
            result_ = fate::cancelled;
        } else if (const auto expires = task_.details->expires;
                   expires != std::chrono::nanoseconds(0) && later_by(expires) < started_) {
            result_ = fate::expired;
        }
        return result_ == fate::succeeded;
    }

    /// `time` after it could have started, which a negative time puts before.
    steady_time later_by(std::chrono::nanoseconds time) const noexcept {
        return time > std::chrono::nanoseconds(0) ? later(task_.due, time) : task_.due + time;
    }

    void call() {
        has_started_ = true;
        attempt([&] { task_.type.call(task_.closure, *this); }, [&] { failed_with_exception(); });
    }

    /// Once, even if that ends the thread.
    void destroy(action on_exception) {
        if (!std::exchange(is_destroyed_, true) && task_.type.destroy != nullptr) {
            attempt([&] { task_.type.destroy(task_.closure); }, on_exception);
        }
    }

    void report_returned_exception([[maybe_unused]] const std::exception_ptr& returned) {
#if defined(__cpp_exceptions)
        if (returned != nullptr) {
            attempt([&] { std::rethrow_exception(returned); },
                    [&] { report_exception(failure::error_result); });
            return;
        }
#endif
        report(failure::error_result, returned, {}, {});
    }

    template <class Error>
    void report_returned_error(const Error& error) {
        report_text text;
        detail::append_error_text(text, error);
        report(failure::error_result, nullptr, type_name<Error>(), text.view());
    }

    void report_exception(failure kind) {
        const exception_description thrown;
        report(kind, thrown.exception(), thrown.type(), thrown.what());
    }

    void report(failure kind, std::exception_ptr exception, std::string_view type,
                std::string_view what) {
        error_report report{};
        report.kind = kind;
        report.exception = std::move(exception);
        report.type = type;
        report.what = what;
        report.task = or_empty(task_.name);
        report.where = task_.where;
        if (is_timed()) {
            report.waited =
                task_.due < started_ ? started_ - task_.due : std::chrono::nanoseconds(0);
            if (has_started_) {
                report.ran = on_.now() - started_;
            }
        }
        detail::report(report, task_.details != nullptr ? &task_.details->on_error : nullptr,
                       on_.sink.load(std::memory_order_relaxed));
    }

    const stored_task task_;
    const host& on_;
    steady_time started_{};
    fate result_ = fate::succeeded;
    repetition answer_ = repetition::go_on;
    node_memory* repeated_ = nullptr;
    bool has_started_ = false;
    bool is_settled_ = false;
    bool is_destroyed_ = false;
    bool is_to_be_kept_ = false; ///< what is not settled is to be run again
    task_frame frame_{&on_, this_thread.running};
};

/// Runs a task that stands in a slot, on behalf of `on`, which must outlive the run.
inline fate run_task(const stored_task& task, const host& on) {
    return task_run(task, on).to_the_end();
}

/// Runs a task from the heap.
inline fate run_task(task_ptr task, const host& on) {
    const node_memory until_done(task.release());
    return run_task(task_in(*until_done), on);
}

/// Runs a task from the heap on an executor that has time. One that is to be run again is not
/// destroyed but handed to `again`, when its next time is set.
template <class Again>
fate run_task(task_ptr task, const host& on, Again again) {
    node_memory node(task.release());
    if (!node->repeats()) {
        return task_run(task_in(*node), on).to_the_end();
    }
    struct next_time { // also for a run that ends its thread
        node_memory& node;
        const host& on;
        Again& again;
        bool comes = false;
        ~next_time() {
            if (comes && node != nullptr) { // else a coroutine has it
                const std::uint64_t skipped = node->advance(on.now());
                again(task_ptr(node.release()), skipped);
            }
        }
    };
    next_time next{node, on, again};
    task_run run(task_in(*node), on);
    run.may_lend(node);
    return run.once(next.comes);
}

/// A suspended coroutine as the closure of a task: called, it resumes; else it is destroyed.
struct resumption {
    suspended* one;

    static void call(void* self, task_run& run) {
        suspended& its = *std::exchange(static_cast<resumption*>(self)->one, nullptr);
        run.leave_to_another(); // it makes its own reports
        run.ended_as(its.resume(its));
    }
    static void destroy(void* self) {
        if (suspended* const its = static_cast<resumption*>(self)->one) {
            its->destroy(*its);
        }
    }
};
inline constexpr task_type resumption_type{&resumption::call, &resumption::destroy,
                                           sizeof(resumption), alignof(resumption)};

/// Makes a task of a coroutine, for those who take tasks. Null without memory.
inline task_ptr pack(suspended& one) noexcept {
    task_node* const node = task_node::allocate(resumption_type, one.where);
    if (node != nullptr) {
        ::new (node->closure()) resumption{&one};
        node->name = one.name;
        node->priority = one.priority;
    }
    return task_ptr(node);
}

/// Takes the coroutine out again.
inline void unpack(task_ptr& packed) noexcept {
    if (packed != nullptr) {
        static_cast<resumption*>(packed->closure())->one = nullptr;
        packed.reset();
    }
}

/// Starts a coroutine as a task of `core`, which counts it and may refuse it. Then it is untouched.
template <class Core>
refusal start_as_task(Core& core, suspended& one) {
    task_ptr packed = pack(one);
    if (packed == nullptr) {
        core.note_refused();
        return refusal::out_of_memory;
    }
    const refusal why = core.accept(packed);
    if (why != refusal::none) {
        unpack(packed);
    }
    return why;
}

/// Settles a task that will never run: reports it as `kind`, with its own sink asked first.
inline void drop_task(task_ptr task, const host& on, failure kind, std::string_view why) {
    const node_memory until_done(task.release());
    task_run(task_in(*until_done), on).drop_uncounted(kind, why);
}

/// Destroys a closure whose fate is settled; what that throws is reported.
inline void discard(const stored_task& task) {
    if (task.type.destroy == nullptr) {
        return;
    }
    attempt([&] { task.type.destroy(task.closure); },
            [&] {
                const exception_description thrown;
                error_report failed{};
                failed.exception = thrown.exception();
                failed.type = thrown.type();
                failed.what = thrown.what();
                failed.task = or_empty(task.name);
                failed.where = task.where;
                report(failed, nullptr, nullptr);
            });
}

inline void task_discarder::operator()(task_node* task) const {
    const node_memory until_done(task);
    discard(task_in(*task));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
