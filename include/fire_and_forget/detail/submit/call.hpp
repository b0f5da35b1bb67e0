// SPDX-License-Identifier: MIT
#pragma once

// How a stored callable is called, and what is done with its result. fire.hpp has stored it;
// task_run.hpp has it called.

#include "../errors/describe.hpp"
#include "../platform/abi.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/platform.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/stop_token.hpp"
#include "../task/awaitable_result.hpp"
#include "../task/callable.hpp"
#include "../task/task.hpp"
#include "../task/task_run.hpp"

#include <tuple>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class Fn, class... Args>
template <bool TakesToken, class Parts>
void closure<Fn, Args...>::call_with(Parts&& parts, task_run& run) {
    constexpr auto arguments = std::index_sequence_for<Args...>{};
    const auto invoke_and_look = [&](auto&&... first) { // first: the stop_token or nothing
        using result = decltype(invoke(std::forward<Parts>(parts), arguments, std::move(first)...));
        using plain_result = std::remove_cvref_t<result>;
        // A lambda with captures, which can't be assigned, has been refused as a faf::detached.
        static_assert(!starts_itself<plain_result> || !std::is_class_v<Fn> || std::is_empty_v<Fn> ||
                          !std::is_copy_assignable_v<Fn>,
                      "fire_and_forget: nobody keeps the members that a faf::detached refers to: "
                      "return a faf::task.");
        if constexpr (error_result<plain_result>) {
            auto&& returned = invoke(std::forward<Parts>(parts), arguments, std::move(first)...);
            run.returned(returned);
        } else if constexpr (std::is_same_v<plain_result, repetition>) {
            run.answered(invoke(std::forward<Parts>(parts), arguments, std::move(first)...));
        } else {
            static_cast<void>(invoke(std::forward<Parts>(parts), arguments, std::move(first)...));
        }
    };
    if constexpr (!TakesToken) {
        invoke_and_look();
    } else if (const stop_token own = run.stop_of_task(); own.stop_possible()) {
        const linked_stop_source either(own, run.stop_of_executor());
        invoke_and_look(either.get_token());
    } else {
        invoke_and_look(run.stop_of_executor());
    }
}

/// Has what `fired` returns awaited, which takes the closure over.
template <class Closure>
void start_coroutine(Closure& fired, task_run& run) {
    static_assert(can_start_coroutine<Closure>,
                  "fire_and_forget: what the callable returns has to be awaited: include "
                  "<fire_and_forget/coroutine.hpp> for that.");
    if constexpr (can_start_coroutine<Closure>) {
        coroutine_start<Closure>::begin(fired, run);
    }
}

/// False if who it is for is gone: then the task ends.
template <class Fn>
bool try_keep_owner([[maybe_unused]] Fn& fn, [[maybe_unused]] task_run& run) {
    if constexpr (has_owner<Fn>) {
        if (!fn.try_keep_owner()) {
            run.given_up(failure::cancelled, "its owner is gone");
            run.answered(repetition::stop);
            return false;
        }
    }
    return true;
}

template <class Fn, class... Args>
void closure<Fn, Args...>::call(task_run& run) {
    if (!detail::try_keep_owner(std::get<0>(parts_), run)) {
        return;
    }
    if constexpr (awaitable_result<call_result_t<Fn, Args...>>) {
        start_coroutine(*this, run);
    } else {
        call_with<takes_stop_token<Fn, Args...>>(std::move(parts_), run);
    }
}

template <class Fn, class... Args>
void closure<Fn, Args...>::call_again(task_run& run) {
    if constexpr (awaitable_result<call_result_t<Fn&, Args&...>>) {
        closure copy(*this); // the coroutine may use it up
        if (detail::try_keep_owner(std::get<0>(copy.parts_), run)) {
            start_coroutine(copy, run);
        }
    } else if constexpr (has_owner<Fn>) {
        Fn& fn = std::get<0>(parts_);
        const scope_guard at_the_end([&fn] { fn.let_owner_go(); });
        if (detail::try_keep_owner(fn, run)) {
            call_with<takes_stop_token<Fn&, Args&...>>(parts_, run);
        }
    } else {
        call_with<takes_stop_token<Fn&, Args&...>>(parts_, run);
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
