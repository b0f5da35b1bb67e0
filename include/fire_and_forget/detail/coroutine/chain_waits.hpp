// SPDX-License-Identifier: MIT
#pragma once

// The waits that a scheduler ends: for a time, for a turn, for another executor. The sleep_for of
// ../../coroutine.hpp and its like return what makes them.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/attempt.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/time.hpp"
#include "../submit/call.hpp"
#include "../submit/diversion.hpp"
#include "../submit/fire.hpp"
#include "../submit/job.hpp"
#include "../submit/kept_executor.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/task.hpp"
#include "chain.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"

#include <concepts>
#include <coroutine>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Has the chain of `waiting` come to rest, and then leave its thread by `leave(chain, wait)`.
template <class Promise>
void leave_chain(chain& of, std::coroutine_handle<Promise> waiting, bool (*leave)(chain&, void*),
                 void* wait) noexcept {
    of.set_next(waiting, waiting.promise());
    of.now().leave_by(leave, wait);
}

/// Has `leaving` go on at `to`, by its turn. False if it stays, refused.
bool pass_to(chain& leaving, scheduler* to) noexcept;

/// The same for good: it goes on there after each wait. `to` may be null, for want of memory.
bool move_to_library(chain& leaving, scheduler* to) noexcept;
bool move_to_foreign(chain& leaving, std::shared_ptr<foreign_executor> to) noexcept;

/// Waits until `due`. Cancelled by the chain's stop_tokens, and by a scheduler that takes no more.
class sleep_wait {
public:
    sleep_wait(chain& of, steady_time due) noexcept : of_(of) { of.due = due; }
    sleep_wait(chain& of, std::chrono::nanoseconds delay) noexcept;

    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        leave_chain(of_, waiting, &leave, this);
    }

    void await_resume() const;

private:
    /// Once it has left, the sleeper may be gone, but not the scheduler: this thread works for it.
    static bool leave(chain& sleeper, void*);

    chain& of_;
};

/// Lets others have the worker.
class yield_wait {
public:
    explicit yield_wait(chain& of) noexcept : of_(of) {}
    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        leave_chain(of_, waiting, &leave, this);
    }

    void await_resume() const;

private:
    static bool leave(chain& leaving, void*);

    chain& of_;
};

template <class Core>
concept has_home = requires(Core& core) {
    { core.home() } -> std::same_as<scheduler&>;
};
template <class Core>
concept may_have_home = requires(Core& core) {
    { core.home() } -> std::same_as<scheduler*>;
};

/// What stands behind an executor, if that can continue coroutines by itself.
template <class Core>
scheduler* home_of(Core& core) noexcept {
    if constexpr (requires { home_at(core); }) {
        return &home_at(core);
    } else if constexpr (has_home<Core>) {
        return &core.home();
    } else if constexpr (may_have_home<Core>) {
        return core.home();
    } else {
        return nullptr;
    }
}

/// Goes on somewhere else.
template <class E>
class executor_wait {
public:
    executor_wait(chain& of, E& to) noexcept : of_(of), to_(to) {}
    executor_wait(const executor_wait&) = delete;
    executor_wait& operator=(const executor_wait&) = delete;

    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        leave_chain(of_, waiting, &leave, this);
    }

    void await_resume() const {
        if (of_.now().is_refused()) {
            throw_cancelled();
        }
    }

private:
    static bool leave(chain& leaving, void* self) {
        auto& wait = *static_cast<executor_wait*>(self);
        auto& to = core_of(wait.to_);
        if (scheduler* const home = home_of(to)) {
            return move_to_library(leaving, home);
        }
        std::shared_ptr<foreign_executor> kept; // null: it is cancelled
        if constexpr (requires { to.bottom(); }) {
            attempt([&] { kept = keep_executor(to.bottom()); }, [] {});
        } else if constexpr (!has_home<std::remove_reference_t<decltype(to)>>) {
            attempt([&] { kept = keep_executor(to); }, [] {});
        }
        return move_to_foreign(leaving, std::move(kept));
    }

    chain& of_;
    E& to_;
};

/// Does not wait: it has what it was asked for.
class token_wait {
public:
    explicit token_wait(chain& of) noexcept : of_(of) {}
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    stop_token await_resume() const { return of_.token(); }

private:
    chain& of_;
};

/// What sleep_for and its like return: makes a Wait of what it was given, once it is known which
/// chain awaits it.
template <class Wait, class... From>
class [[nodiscard]] wait_maker : public awaitable_in_chain_only {
public:
    wait_maker(From... from) noexcept : from_(from...) {}

    Wait awaiter_in(chain& of) const noexcept {
        return std::apply([&of](From... from) { return Wait(of, from...); }, from_);
    }

private:
    std::tuple<From...> from_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
