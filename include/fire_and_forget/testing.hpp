// SPDX-License-Identifier: MIT
#pragma once

// For the tests of programs that fire tasks: an executor that runs them when told, and a sink that
// remembers. No threads, no sleeps.

#include "call_site.hpp"
#include "detail/executor/manual_core.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/attempt.hpp"
#include "error_report.hpp"
#include "error_sink.hpp"
#include "executor.hpp"
#include "options.hpp"
#include "time_span.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI::testing {

/// Keeps the tasks fired at it until the test runs them, on the test's own thread. Time stands
/// still until the test moves it on.
///
///     faf::testing::manual_executor ex;
///     fire_and_forget(ex, greet, "Ada");
///     CHECK(ex.run_one());
///     fire_and_forget(ex, {.after = 5s}, greet, "Bob");
///     ex.advance(5s);                                    // greets Bob
///
/// Order: first in, first out; those that wait for their time in the order of their times.
/// Errors: go to the task's sink or the global one, as everywhere. Reports of tasks fired with
/// options carry times of this clock.
/// Thread safety: all members may be called by any thread.
/// Lifetime: it must outlive the calls that fire at it, and what it runs. Tasks that are never run
/// are reported as abandoned while it is destroyed, and those that repeat as cancelled; a sink that
/// hears of it must not call it. So are coroutines that wait for a callback (faf::completion) which
/// has not come: when it comes later, nobody waits for it.
class manual_executor final {
public:
    /// Without tasks, and with a clock that stands.
    manual_executor() = default;
    manual_executor(const manual_executor&) = delete;
    manual_executor& operator=(const manual_executor&) = delete;

    /// Takes a job that was made for another executor, and answers whether it will run it. One that
    /// it refuses, for want of memory, is reported; an empty one is refused with
    /// refusal::empty_callable.
    submission execute(job work) { return detail::execute_on(core_, work); }

    /// Runs the task that waits longest, of those whose time has come, or goes on with a coroutine;
    /// false if there is none. What the task throws goes to its sink, not to the caller.
    bool run_one() { return core_.run_one(); }

    /// Runs tasks as run_one() does until none is left whose time has come, those that they fire
    /// included; returns how many. A task that always fires another keeps it from returning.
    std::size_t run_all() { return core_.run_all(); }

    /// Moves the time on by `step` and runs what is due by then, each task at its own time; returns
    /// how many ran. From inside one of its tasks only the time moves: the task takes so long, and
    /// the others wait for its end.
    std::size_t advance(time_span step) { return core_.advance(step); }

    /// The time of its clock. It begins at some point and moves by advance() only.
    std::chrono::steady_clock::time_point now() const noexcept { return core_.now(); }

    /// How many tasks wait, those included whose time has not come, and coroutines that wait for a
    /// callback.
    std::size_t pending() const { return core_.pending(); }

private:
    friend detail::core_access;
    detail::manual_core& core() noexcept { return core_; }

    detail::manual_core core_;
};

/// A report as an error_recorder keeps it: the fields of an error_report, with texts of their own.
struct recorded_error {
    failure kind{};                    ///< what happened
    std::exception_ptr exception;      ///< null where nothing was thrown
    std::string type;                  ///< the exception's type, demangled
    std::string what;                  ///< its text
    std::string task;                  ///< options::name
    call_site where;                   ///< the fire_and_forget call
    std::chrono::nanoseconds waited{}; ///< from the call to the start
    std::chrono::nanoseconds ran{};    ///< from the start to the failure
    std::uint64_t suppressed = 0;      ///< further tasks it speaks for
};

/// While it lives it is the global error sink and remembers every report, so that a test can fail
/// for what went wrong in the background.
///
///     faf::testing::error_recorder errors;
///     run_the_code_under_test();
///     CHECK(errors.empty());
///
/// What was cancelled is no error; it remembers that, too, as
/// `error_recorder errors(faf::hears::cancelled_too)`.
///
/// Thread safety: all members may be called by any thread; but as there is one global sink,
/// recorders must end in the reverse order of their making.
/// Lifetime: what comes when it is gone goes to the sink that was there before.
class error_recorder {
public:
    /// Takes the place of the global sink.
    /// Throws: std::bad_alloc, and what copying that sink throws.
    explicit error_recorder(hears which = hears::errors)
        : which_(which), log_(std::make_shared<log>()), previous_(set_error_sink(sink())) {}

    /// Puts the sink back that was there before.
    ~error_recorder() {
        detail::attempt([&] { set_error_sink(std::move(previous_)); },
                        [] {}); // without memory it stays
    }
    error_recorder(const error_recorder&) = delete;
    error_recorder& operator=(const error_recorder&) = delete;

    /// A sink that writes to this recorder, for a task or a pool. It may outlive the recorder.
    error_sink sink() const {
        const auto note = [log = log_](const error_report& report) {
            const std::lock_guard lock(log->mutex);
            log->errors.push_back({report.kind, report.exception, std::string(report.type),
                                   std::string(report.what), std::string(report.task), report.where,
                                   report.waited, report.ran, report.suppressed});
        };
        return error_sink(note, which_);
    }

    /// True if there was no report.
    bool empty() const { return count() == 0; }

    /// How many reports there were.
    std::size_t count() const {
        const std::lock_guard lock(log_->mutex);
        return log_->errors.size();
    }

    /// Copies of all of them, in the order in which they came.
    std::vector<recorded_error> errors() const {
        const std::lock_guard lock(log_->mutex);
        return log_->errors;
    }

private:
    struct log {
        std::mutex mutex;
        std::vector<recorded_error> errors;
    };

    hears which_;
    std::shared_ptr<log> log_;
    error_sink previous_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::testing

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/executor/manual_core.ipp"
#endif
