// SPDX-License-Identifier: MIT
#pragma once

// The sink of ../testing.hpp that remembers, so that a test can look at what went wrong in the
// background.

#include "../call_site.hpp"
#include "../detail/errors/stderr_sink.hpp"
#include "../detail/platform/abi.hpp"
#include "../detail/platform/attempt.hpp"
#include "../detail/platform/platform.hpp"
#include "../error_report.hpp"
#include "../error_sink.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What tests of code that fires tasks need.
namespace faf::inline FIRE_AND_FORGET_ABI::testing {

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

    /// As a line on standard error has it: task "save" (cache.cpp:19 in main) failed: ...
    std::string text() const {
        detail::report_line line;
        detail::append_report(line,
                              {kind, exception, type, what, task, where, waited, ran, suppressed});
        return std::string(line.view());
    }
};

/// What error_recorder::expect_none() throws. what() names each error on a line of its own.
class unexpected_errors : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// While it lives it is the global error sink and remembers every report, so that a test can fail
/// for what went wrong in the background.
///
///     faf::testing::error_recorder errors;
///     run_the_code_under_test();
///     errors.expect_none();
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
        return {note, which_};
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

    /// Does nothing if there was no report, else throws unexpected_errors with text(). So the test
    /// fails and says why, under Catch2, GoogleTest, or in a main() of one's own; where exceptions
    /// are off, the text goes to standard error, and the program ends.
    void expect_none() const {
        if (!empty()) {
#if defined(__cpp_exceptions)
            throw unexpected_errors(text());
#else
            const std::string line = text() + "\n";
            detail::write_stderr(line.data(), line.size());
            std::abort();
#endif
        }
    }

    /// All of them, one a line, under a line that says how many there are; empty if there are none.
    /// For CHECK(errors.text() == "") and EXPECT_EQ(errors.text(), ""), which go on.
    std::string text() const {
        const std::vector<recorded_error> all = errors();
        std::string lines;
        for (const recorded_error& one : all) {
            lines += "\n  " + one.text();
        }
        return all.empty() ? lines
                           : std::to_string(all.size()) + (all.size() == 1 ? " error" : " errors") +
                                 " in the background:" + lines;
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

#include "../detail/engine.hpp"
