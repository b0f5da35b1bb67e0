// SPDX-License-Identifier: MIT
#pragma once

// For the tests of programs that fire tasks: an executor that runs them when told, and a sink that
// remembers. No threads, no sleeps.

#include "detail/attempt.hpp"
#include "detail/time.hpp"
#include "error_sink.hpp"
#include "executor.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace faf::testing {

/// Keeps the tasks fired at it until the test runs them, on the test's own thread.
///
///     faf::testing::manual_executor ex;
///     fire_and_forget(ex, greet, "Ada");
///     CHECK(ex.pending() == 1);
///     CHECK(ex.run_one());
///
/// Order: first in, first out.
/// Errors: go to the task's sink or the global one, as everywhere.
/// Thread safety: all members may be called by any thread.
/// Lifetime: tasks that are never run are reported as abandoned while it is destroyed; a sink that
/// hears of it must not call it.
class manual_executor {
public:
    void execute(job work) {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(work));
    }

    /// Runs the task that waits longest; false if none does.
    bool run_one() {
        job next = take();
        if (!next) {
            return false;
        }
        next();
        return true;
    }

    /// Runs tasks until none is left, those that they fire included; returns how many. A task that
    /// always fires another keeps it from returning.
    std::size_t run_all() {
        std::size_t runs = 0;
        while (run_one()) {
            ++runs;
        }
        return runs;
    }

    /// How many tasks wait.
    std::size_t pending() const {
        const std::lock_guard lock(mutex_);
        return jobs_.size();
    }

private:
    job take() {
        const std::lock_guard lock(mutex_);
        if (jobs_.empty()) {
            return {};
        }
        job first = std::move(jobs_.front());
        jobs_.pop_front();
        return first;
    }

    mutable std::mutex mutex_;
    std::deque<job> jobs_;
};

/// A report as an error_recorder keeps it, with texts of its own.
struct recorded_error {
    failure kind{};
    std::exception_ptr exception;
    std::string type;
    std::string what;
    std::string task;
    call_site where;
    std::chrono::nanoseconds waited{};
    std::chrono::nanoseconds ran{};
    std::uint64_t suppressed = 0;
};

/// While it lives it is the global error sink and remembers every report, so that a test can fail
/// for what went wrong in the background.
///
///     faf::testing::error_recorder errors;
///     run_the_code_under_test();
///     CHECK(errors.empty());
///
/// Thread safety: all members may be called by any thread; but as there is one global sink,
/// recorders must end in the reverse order of their making.
class error_recorder {
public:
    error_recorder() : log_(std::make_shared<log>()), previous_(set_error_sink(sink())) {}
    ~error_recorder() {
        detail::attempt([&] { set_error_sink(std::move(previous_)); },
                        [] {}); // without memory it stays
    }
    error_recorder(const error_recorder&) = delete;
    error_recorder& operator=(const error_recorder&) = delete;

    /// A sink that writes to this recorder, for a task or a pool. It may outlive the recorder.
    error_sink sink() const {
        return [log = log_](const error_report& report) {
            const std::lock_guard lock(log->mutex);
            log->errors.push_back({report.kind, report.exception, std::string(report.type),
                                   std::string(report.what), std::string(report.task), report.where,
                                   report.waited, report.ran, report.suppressed});
        };
    }

    bool empty() const { return count() == 0; }

    /// How many reports there were.
    std::size_t count() const {
        const std::lock_guard lock(log_->mutex);
        return log_->errors.size();
    }

    /// All of them, in the order in which they came.
    std::vector<recorded_error> errors() const {
        const std::lock_guard lock(log_->mutex);
        return log_->errors;
    }

private:
    struct log {
        std::mutex mutex;
        std::vector<recorded_error> errors;
    };

    std::shared_ptr<log> log_;
    error_sink previous_;
};

} // namespace faf::testing
