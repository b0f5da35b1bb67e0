// SPDX-License-Identifier: MIT
#pragma once

// What an executor is to a user: the closure that it is handed, and the concept. It stands here,
// and not in ../../executor.hpp, because the front door needs it below the
// executors of the library.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../task/task.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

struct core_access;
struct job_access;
class scheduler;

} // namespace detail

/// A fired task on its way to an executor: call it once, on whatever thread, and the task runs.
///
/// Calling it never throws; what the task throws has gone to the sink. A job that is destroyed
/// without having been called reports its task as abandoned, so that nothing is lost in silence.
/// Move-only, as big as a pointer. A queue that needs copies can hold it in a std::shared_ptr.
///
///     struct queue {
///         void execute(faf::job work) { jobs.push_back(std::move(work)); }
///         std::vector<faf::job> jobs;                // each is called by whoever takes it out
///     };
///
/// Thread safety: as of a pointer: one thread at a time, whichever it is.
/// Lifetime: it owns the task, and may outlive the executor that it was made for.
class job {
public:
    /// Empty: there is nothing to run, and nothing is reported.
    job() noexcept = default;

    /// Takes the task of the other, which is empty afterwards.
    job(job&&) noexcept = default;

    /// Takes the task of the other; the one that *this had is abandoned.
    job& operator=(job&& other) noexcept {
        job taken(std::move(other));
        taken.task_.swap(task_);
        return *this;
    }

    /// Reports a task that has not been run: as abandoned, or inside the call that fires it as
    /// refused.
    ~job() {
        if (task_) {
            abandon();
        }
    }

    /// Runs the task. A second call, or one of an empty job, does nothing.
    void operator()();

    /// True if there is a task to run.
    explicit operator bool() const noexcept { return task_ != nullptr; }

private:
    friend detail::job_access;
    explicit job(detail::task_ptr task) noexcept : task_(std::move(task)) {}
    void abandon();

    detail::task_ptr task_;
};

namespace detail {

/// How the front door makes a job, and how executors of the library take the task out of it.
struct job_access {
    static job make(task_ptr task) noexcept { return job(std::move(task)); }
    static task_ptr take(job& from) noexcept { return std::move(from.task_); }
};

/// How the front door gets at the inside of an executor that has one: those of the library.
struct core_access {
    template <class E>
    static auto of(E& executor) noexcept -> decltype(executor.core()) {
        return executor.core();
    }
};

/// Where coroutines go on: a scheduler, or a pointer to one where there may be none.
template <class Home>
concept scheduler_or_none = std::same_as<Home, scheduler&> || std::same_as<Home, scheduler*>;

/// An executor of somebody else's may have a core, too, but not such a one.
template <class E>
concept has_core = requires(E& executor) {
    { core_access::of(executor).home() } -> scheduler_or_none;
};

/// What stands behind an executor: its core, or else the executor itself.
template <class E>
decltype(auto) core_of(E&& executor) noexcept {
    if constexpr (has_core<E>) {
        return core_access::of(executor);
    } else {
        return static_cast<E&&>(executor);
    }
}

/// Gives a job to an executor of the library. What is refused is reported here, unless a call of
/// the front door is under way that will do so.
submission execute_on(function_ref<refusal(task_ptr&)> accept, job& work);
template <class Core>
submission execute_on(Core& core, job& work) {
    return execute_on([&](task_ptr& task) { return core.accept(task); }, work);
}

template <class T>
inline constexpr bool is_job_parameter = false;
template <>
inline constexpr bool is_job_parameter<job> = true;
template <>
inline constexpr bool is_job_parameter<job&&> = true;

template <class Signature>
inline constexpr bool is_job_call = false;
template <class C, class R, class J>
inline constexpr bool is_job_call<R (C::*)(J)> = is_job_parameter<J>;
template <class C, class R, class J>
inline constexpr bool is_job_call<R (C::*)(J) const> = is_job_parameter<J>;
template <class C, class R, class J>
inline constexpr bool is_job_call<R (C::*)(J) noexcept> = is_job_parameter<J>;
template <class C, class R, class J>
inline constexpr bool is_job_call<R (C::*)(J) const noexcept> = is_job_parameter<J>;

template <class R, class J>
inline constexpr bool is_job_call<R (*)(J)> = is_job_parameter<J>;
template <class R, class J>
inline constexpr bool is_job_call<R (*)(J) noexcept> = is_job_parameter<J>;

template <class E>
concept has_execute = requires(E& executor, job work) {
    executor.execute(std::move(work));
};

/// A callable whose one parameter is a job, by name: a generic lambda is a task, not an executor.
template <class E>
concept calls_job =
    is_job_call<std::decay_t<E>> || is_job_call<decltype(&std::remove_cvref_t<E>::operator())>;

} // namespace detail

/// Anything tasks can be fired at: a type with `execute(faf::job)`, or a callable that takes a
/// `faf::job`, which is how another library's pool is put to use:
///
///     auto on_asio = [&](faf::job job) { asio::post(asio_pool, std::move(job)); };
///     fire_and_forget(on_asio, refresh, key);
///
/// One that destroys the job before it returns, be it by throwing, has refused the task. It may
/// answer with a `submission` of its own. It has no timers: options::after and options::every are
/// refused.
template <class E>
concept executor = detail::has_execute<std::remove_reference_t<E>> || detail::calls_job<E>;

} // namespace faf::inline FIRE_AND_FORGET_ABI
