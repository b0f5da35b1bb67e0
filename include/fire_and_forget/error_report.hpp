// SPDX-License-Identifier: MIT
#pragma once

// What a task that fails reports. Nothing a task does wrong reaches the thread that fired it; it
// goes to a sink as one of these.

#include "call_site.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/time.hpp"
#include "literal.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// What a report is about.
enum class failure : std::uint8_t {
    exception,    ///< the task threw; so may its closure while it was destroyed
    error_result, ///< the task returned an error: a set std::error_code, an empty expected
    refused,      ///< the task was not accepted and will not run
    expired,      ///< the task was dropped because its time had passed
    cancelled,    ///< the task was dropped because its stop_token asked for it; see faf::hears
    abandoned,    ///< the task was not finished when its pool shut down or the process ended
    worker_lost,  ///< the task ended its thread: pthread_exit or pthread_cancel
    sink_failed,  ///< an error sink threw; the report it was given went to the next sink
    starvation,   ///< tasks wait, and no thread can or may be started for them
    displaced,    ///< the task made room for another one in a full queue
    hook_failed,  ///< what a pool calls on its threads threw; it is named as the task
};

/// `kind` in plain words, to be read after the name of a task: "was refused".
constexpr literal to_string(failure kind) noexcept {
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
    case failure::displaced:
        return "was displaced by another one";
    case failure::hook_failed:
        return "failed, which a pool calls on its threads";
    }
    return "failed";
}

/// One thing that went wrong. It speaks for `1 + suppressed` tasks: those a pool abandons are
/// reported together where they were fired from the same place.
///
/// Lifetime: the views are valid until the sink returns; `exception` may be kept.
/// The texts are cut at 1 KiB; `exception` has the whole.
struct error_report {
    failure kind = failure::exception; ///< what happened
    std::exception_ptr exception;      ///< null where nothing was thrown
    std::string_view type;             ///< the exception's type, demangled; that of an error result
    std::string_view what;             ///< its text and those of the exceptions nested in it
    std::string_view task;             ///< options::name, empty if it has none
    call_site where;                   ///< the fire_and_forget call
    std::chrono::nanoseconds waited{}; ///< from the call to the start; 0 where not measured
    std::chrono::nanoseconds ran{};    ///< from the start to the failure; 0 where not measured
    std::uint64_t suppressed = 0;      ///< further tasks this report speaks for
};

/// Which reports a sink is told. That a task was cancelled is as a rule what its program has asked
/// for, by a stop_token or by ending what repeats; so only who wants to know it hears it.
enum class hears : std::uint8_t { errors, cancelled_too };

namespace detail {

/// No error sink can be made of this, and it is none.
template <class T>
concept no_sink =
    !std::is_base_of_v<std::function<void(const error_report&)>, std::remove_cvref_t<T>> &&
    !std::is_convertible_v<T, std::function<void(const error_report&)>>;

} // namespace detail

/// Hears reports: options::on_error, pool_options::on_error, or the one of set_error_sink().
///
///     faf::error_sink note = [](const faf::error_report& report) {
///         std::printf("%.*s\n", static_cast<int>(report.what.size()), report.what.data());
///     };
///     faf::error_sink note_all(note, faf::hears::cancelled_too);
///
/// A std::function that says which reports it wants: without cancelled tasks, unless it is made as
/// the second one. It is called on the thread where the error came up: a worker, or for a refusal
/// the caller. It may block, fire tasks and replace sinks; what goes wrong meanwhile on its thread
/// is written to standard error, so that it is not called by itself.
/// Throws: it may; then the next sink in the order task, pool, global, stderr is told of both.
/// Thread safety: several threads may call it at once.
class error_sink : public std::function<void(const error_report&)> {
    using base = std::function<void(const error_report&)>;

public:
    using base::base;

    /// Empty: the next one is asked.
    error_sink() noexcept = default;

    /// `sink`, which may be empty.
    error_sink(base sink) noexcept : base(std::move(sink)) {}

    /// `sink`, which is told what `which` says.
    error_sink(base sink, hears which) noexcept
        : base(std::move(sink)), hears_cancelled_(which == hears::cancelled_too) {}

    /// Does not compile: a sentence says what a sink is.
    template <detail::no_sink Sink>
    error_sink(const Sink&) noexcept { // not as the inherited ones: clang 14 would drop those
        static_assert(!detail::no_sink<Sink>,
                      "fire_and_forget: an error sink is called with a report: "
                      "[](const faf::error_report& report) { ... }.");
    }

    /// Whether it is told of cancelled tasks.
    bool hears_cancelled() const noexcept { return hears_cancelled_; }

    /// Swaps the two, with what they are told.
    void swap(error_sink& other) noexcept {
        base::swap(other);
        std::swap(hears_cancelled_, other.hears_cancelled_);
    }

private:
    bool hears_cancelled_ = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI
