// SPDX-License-Identifier: MIT
#pragma once

// A task that can be taken back, waited for, or asked to stop: calls that answer with a handle.
// detail/adaptor/cancellable_core.hpp is its inside.

#include "detail/adaptor/cancellable_core.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/time.hpp"
#include "detail/submit/any_core.hpp"
#include "detail/submit/fire.hpp"
#include "detail/submit/located.hpp"
#include "executor.hpp"
#include "fire_and_forget.hpp"
#include "options.hpp"
#include "thread_pool.hpp"
#include "time_span.hpp"

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {
struct handle_access;
}

/// What a call at cancellable() answers: a submission that also holds on to the task.
///
///     auto reminder = fire_and_forget(faf::cancellable(), {.after = 30s}, remind, user);
///     ...
///     if (!reminder.cancel()) { std::puts("it is too late"); }
///
/// A task that is to run once things have been quiet for a while takes back the one before:
///
///     waiting.cancel();
///     waiting = fire_and_forget(faf::cancellable(pool), {.after = 50ms}, search, text);
///
/// What was taken back leaves its executor when a thread of that is free, however long `after` is.
///
/// Copies are handles of the same task, and to drop all of them changes nothing for it. That of a
/// call that was refused is the handle of a task that never starts.
///
/// Thread safety: all members may be called by any thread, also inside of the task.
/// Lifetime: it may outlive the executor.
class task_handle : public submission {
public:
    /// Of no task.
    task_handle() noexcept = default;

    /// Takes the task back if it has not begun. True if it came in time, now or in an earlier call:
    /// the task never starts; it is counted by its executor, and reported to whom it may concern,
    /// as cancelled when that comes to it. False if it is too late: it runs, has run, or was
    /// dropped before.
    ///
    /// One that repeats does not start again. That came in time if none of its runs was under way.
    bool cancel() const { return core_ == nullptr || core_->cancel(); }

    /// Asks it to stop: a task that takes a stop_token, or a coroutine that sleeps. What waits for
    /// its time is cancelled, and what repeats ends; what is queued still runs.
    void request_stop() const {
        if (core_ != nullptr) {
            core_->request_stop();
        }
    }

    /// Waits until nothing of the task is left: not its callable, its arguments, its coroutine, nor
    /// its own sink; for `timeout` at most. True if that is so. A task that repeats is waited for
    /// until it has been stopped.
    ///
    /// On a worker of its pool, or with a manual_executor, it runs other tasks meanwhile. From
    /// inside of the task, or of one for whose end it waits in a serial_executor, it answers false
    /// at once: it would wait for itself.
    bool wait(time_span timeout = time_span::endless()) const {
        return core_ == nullptr || core_->wait_until(detail::deadline_after(timeout));
    }

    /// Does as cancel(), request_stop() and wait() do: afterwards what the task uses may go. True,
    /// or false where wait() would not: then it has been asked to stop, and goes on.
    ///
    ///     reminder.cancel_and_wait();
    ///
    /// Also where it came in time, it waits until the executor has come to the task and dropped it.
    bool cancel_and_wait() const {
        static_cast<void>(cancel());
        request_stop();
        return wait();
    }

    /// Whether nothing of the task is left, as after wait().
    bool is_done() const noexcept { return core_ == nullptr || core_->is_done(); }

private:
    friend detail::handle_access;
    task_handle(submission answer, std::shared_ptr<detail::cancellable_core> core) noexcept
        : submission(answer), core_(std::move(core)) {}

    std::shared_ptr<detail::cancellable_core> core_;
};

/// What cancellable() makes of an executor.
class cancellable_executor {
public:
    /// Refers to `executor`.
    template <class E>
    requires(faf::executor<E> && !std::same_as<std::remove_cvref_t<E>, cancellable_executor>) //
        explicit cancellable_executor(E&& executor) noexcept
        : core_(executor) {}

    /// Takes a job that was made for another executor, as the executor does.
    submission execute(job work) const { return submission(core_.execute(std::move(work))); }

private:
    friend detail::core_access;
    const detail::any_core& core() const noexcept { return core_; }

    detail::any_core core_;
};

namespace detail {

template <>
inline constexpr bool answers_with_handle<cancellable_executor> = true;

template <class E>
concept makes_handle = answers_with_handle<std::remove_cvref_t<E>>;

struct handle_access {
    template <class... Args>
    static task_handle fire(const any_core& on, const options* given,
                            const located<std::type_identity_t<Args>...>& fn, Args&&... args) {
        cancellable_call call(on);
        const submission answer = detail::fire(call, given, fn, std::forward<Args>(args)...);
        return {answer, std::move(call.made)};
    }
};

} // namespace detail

/// Has a call answer with a task_handle, on any executor.
///
///     auto job = fire_and_forget(faf::cancellable(pool), {.name = "index"}, build_index, path);
///     auto later = fire_and_forget(faf::cancellable(), {.after = 1min}, remind);   // default pool
///
/// executor: it need not have a name, but has to be alive until the call returns.
///
/// Order, Errors: the executor's; if there is no memory for the handle, the task is refused with
/// refusal::out_of_memory.
/// Thread safety: as of the executor.
/// Cost: an allocation of half a KiB and one of a stop_source, and what a task_scope takes for a
/// task; other calls pay nothing.
template <executor E>
cancellable_executor cancellable(E&& executor) noexcept {
    return cancellable_executor(executor);
}

/// The same on the default pool.
inline cancellable_executor cancellable() noexcept {
    return cancellable_executor(default_pool());
}

/// As fire_and_forget() at the executor, and answers with a handle of the task.
template <detail::makes_handle E, class... Args>
task_handle fire_and_forget(E&& executor, detail::located<std::type_identity_t<Args>...> fn,
                            Args&&... args) {
    return detail::handle_access::fire<Args...>(detail::core_access::of(executor), nullptr, fn,
                                                std::forward<Args>(args)...);
}

/// The same as `how` says.
template <detail::makes_handle E, class... Args>
task_handle fire_and_forget(E&& executor, const options& how,
                            detail::located_to_repeat<std::type_identity_t<Args>...> fn,
                            Args&&... args) {
    return detail::handle_access::fire<Args...>(detail::core_access::of(executor), &how, fn,
                                                std::forward<Args>(args)...);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/adaptor/engine.ipp"
#endif
