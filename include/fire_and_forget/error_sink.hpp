// SPDX-License-Identifier: MIT
#pragma once

// What a failed task reports, and to whom. Nothing a task does wrong reaches the thread that fired
// it; it comes here. detail/report.hpp does the telling.

#include "call_site.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace faf {

/// What a report is about.
enum class failure : std::uint8_t {
    exception,    ///< the task threw; so may its closure while it was destroyed
    error_result, ///< the task returned an error: a set std::error_code, an empty expected
    refused,      ///< the task was not accepted and will not run
    expired,      ///< the task was dropped because its time had passed
    cancelled,    ///< the task was dropped because its stop_token asked for it
    abandoned,    ///< the task was not finished when its pool shut down or the process ended
    worker_lost,  ///< the task ended its thread: pthread_exit or pthread_cancel
    sink_failed,  ///< an error sink threw; the report it was given went to the next sink
    starvation,   ///< tasks wait because no thread can be started for them
};

/// `kind` in plain words, to be read after the name of a task.
constexpr std::string_view to_string(failure kind) noexcept {
    switch (kind) {
    case failure::exception:
        return "failed";
    case failure::error_result:
        return "returned an error";
    case failure::refused:
        return "was refused";
    case failure::expired:
        return "expired";
    case failure::cancelled:
        return "was cancelled";
    case failure::abandoned:
        return "was abandoned";
    case failure::worker_lost:
        return "ended its worker thread";
    case failure::sink_failed:
        return "failed, and the error sink that was told threw";
    case failure::starvation:
        return "waits for a thread";
    }
    return "failed";
}

/// One thing that went wrong. It speaks for `1 + suppressed` tasks: those a pool abandons are
/// reported together where they were fired from the same place.
///
/// Lifetime: the views are valid until the sink returns; `exception` may be kept.
/// The texts are cut at 1 KiB; `exception` has the whole.
struct error_report {
    failure kind = failure::exception;
    std::exception_ptr exception;      ///< null where nothing was thrown
    std::string_view type;             ///< the exception's type, demangled; that of an error result
    std::string_view what;             ///< its text and those of the exceptions nested in it
    std::string_view task;             ///< options::name, empty if it has none
    call_site where;                   ///< the fire_and_forget call
    std::chrono::nanoseconds waited{}; ///< from the call to the start; 0 where not measured
    std::chrono::nanoseconds ran{};    ///< from the start to the failure; 0 where not measured
    std::uint64_t suppressed = 0;      ///< further tasks this report speaks for
};

/// Hears reports. It is called on the thread where the error came up: a worker, or for a refusal
/// the caller. Several threads may call it at once. It may block, fire tasks and replace sinks. It
/// may throw: then the next sink in the order task, pool, global, stderr is told of both.
using error_sink = std::function<void(const error_report&)>;

/// The report as one line of text: task, place, what happened and why, with control characters
/// escaped. For sinks that write to a log of their own:
///
///     faf::set_error_sink([](const faf::error_report& report) {
///         my_log.error(faf::to_string(report));
///     });
std::string to_string(const error_report& report);

namespace detail {

/// A sink that may be replaced while others call it: whoever calls it keeps it alive.
class sink_slot {
public:
    std::shared_ptr<const error_sink> get() const {
        const std::lock_guard lock(mutex_);
        return sink_;
    }

    /// Puts `fresh` in the place of `expected`; false if another one has taken that place.
    bool replace(const std::shared_ptr<const error_sink>& expected,
                 std::shared_ptr<const error_sink> fresh) {
        const std::lock_guard lock(mutex_);
        if (sink_ != expected) {
            return false;
        }
        sink_.swap(fresh); // the old one is destroyed after the lock is given back
        return true;
    }

    /// Lets go of the sink; later reports find none.
    void clear() {
        std::shared_ptr<const error_sink> old;
        const std::lock_guard lock(mutex_);
        sink_.swap(old);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const error_sink> sink_;
};

inline sink_slot& global_sink() noexcept;

} // namespace detail

/// Makes `sink` the one that hears every report that no task's and no pool's own sink takes, and
/// returns the one before. An empty sink brings back the default: one line on standard error.
///
/// Throws: std::bad_alloc, and what copying the previous sink throws; then nothing has changed.
/// Thread safety: may be called at any time by any thread, by a sink too. The previous sink may
/// still be running on other threads when this returns.
/// Lifetime: what the sink refers to must live until it is replaced, or until the program's exit
/// has abandoned the last task; after that, reports go to standard error.
error_sink set_error_sink(error_sink sink);

} // namespace faf

#include "detail/report.hpp"
