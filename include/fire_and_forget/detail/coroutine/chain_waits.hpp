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

/// Has `leaving` go on at `to`, by its turn. False if it stays, refused.
bool pass_to(chain& leaving, scheduler* to) noexcept;

/// The same for good: it goes on there after each wait. `to` may be null, for want of memory.
bool move_to_library(chain& leaving, scheduler* to) noexcept;
bool move_to_foreign(chain& leaving, std::shared_ptr<foreign_executor> to) noexcept;

/// Leaves by `How`, which says how, and whether the wait is cancelled when the chain goes on.
template <class How>
class departing_wait {
public:
    template <class... From>
    explicit departing_wait(chain& of, From&&... from) noexcept
        : of_(of), how_(of, std::forward<From>(from)...) {}
    departing_wait(const departing_wait&) = delete;
    departing_wait& operator=(const departing_wait&) = delete;

    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.rest_at(waiting, &leave, this);
    }

    void await_resume() const {
        if (How::is_cancelled(of_)) {
            throw_cancelled();
        }
    }

private:
    static bool leave(chain& leaving, void* self) {
        return static_cast<departing_wait*>(self)->how_.leave(leaving);
    }

    chain& of_;
    [[no_unique_address]] How how_;
};

/// Until `due`. Cancelled by the chain's stop_tokens, and by a scheduler that takes no more.
struct until_due {
    until_due(chain& of, steady_time due) noexcept { of.due = due; }
    until_due(chain& of, std::chrono::nanoseconds delay) noexcept;

    /// Once it has left, the sleeper may be gone, but not the scheduler: this thread works for it.
    static bool leave(chain& sleeper);
    static bool is_cancelled(chain& woken) noexcept;
};
using sleep_wait = departing_wait<until_due>;

/// Lets others have the worker.
struct until_its_turn {
    explicit until_its_turn(chain&) noexcept {}
    static bool leave(chain& leaving);
    static bool is_cancelled(chain& back) noexcept { return back.now().is_refused(); }
};
using yield_wait = departing_wait<until_its_turn>;

template <class Core>
concept has_home = requires(Core& core) {
    { core.home() } -> std::same_as<scheduler&>;
};
template <class Core>
concept may_have_home = requires(Core& core) {
    { core.home() } -> std::same_as<scheduler*>;
};

template <class Core>
concept may_be_diverted = std::constructible_from<held_home, Core&>;

/// What stands behind an executor, if that can continue coroutines by itself.
template <class Core>
auto home_of(Core& core) noexcept {
    if constexpr (may_be_diverted<Core>) {
        return held_home(core);
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
struct until_there {
    until_there(chain&, E& there) noexcept : to(there) {}

    bool leave(chain& leaving) const {
        auto& core = core_of(to);
        const auto there = home_of(core); // until it is there
        if (scheduler* const home = there) {
            return move_to_library(leaving, home);
        }
        std::shared_ptr<foreign_executor> kept; // null: it is cancelled
        if constexpr (requires { core.bottom(); }) {
            attempt([&] { kept = keep_executor(core.bottom()); }, [] {});
        } else if constexpr (!has_home<std::remove_reference_t<decltype(core)>>) {
            attempt([&] { kept = keep_executor(core); }, [] {});
        }
        return move_to_foreign(leaving, std::move(kept));
    }
    static bool is_cancelled(chain& moved) noexcept { return moved.now().is_refused(); }

    E& to;
};
template <class E>
using executor_wait = departing_wait<until_there<E>>;

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
