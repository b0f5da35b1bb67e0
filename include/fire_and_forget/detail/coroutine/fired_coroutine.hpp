// SPDX-License-Identifier: MIT
#pragma once

// What the front door makes of a callable that returns something to be awaited. It is reached from
// closure::call, on the thread that was to run the task; oneway_task.hpp has what needs no
// front door.

#include "../../options.hpp"
#include "../errors/describe.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/scope_guard.hpp"
#include "../task/task.hpp"
#include "../task/task_run.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "frame_pool.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// Whether an exception that ended a coroutine only means that it was asked to stop.
bool is_cancellation([[maybe_unused]] const std::exception_ptr& why);

/// Tells the run what a coroutine came to.
template <class T>
void look_at(coroutine_result<T>& came_to, task_run& run) {
    static_assert(
        !awaitable_result<T>,
        "fire_and_forget: what the coroutine returns has to be awaited: await it inside.");
    if (const std::exception_ptr& why = came_to.exception(); why != nullptr) {
        if (is_cancellation(why)) {
            run.given_up(failure::cancelled, "it was asked to stop while it waited");
        } else {
            run.failed(why);
        }
    } else if constexpr (error_result<std::remove_cvref_t<T>>) {
        run.returned(came_to.value());
    } else if constexpr (std::is_same_v<std::remove_cvref_t<T>, repetition>) {
        run.answered(came_to.value());
    }
}

/// Awaits what `fired` returns, if that is no task<T>, as if it were one.
template <class T, class Fired>
task<T> await_as_task(Fired& fired) {
    co_return co_await fired.call();
}

/// A fired callable with its arguments, and the coroutine that it returned and that may refer to
/// them: they live until it has ended.
template <class Fn, class... Args>
class fired_coroutine final : public chain {
    using returned = call_result_t<Fn, Args...>;

public:
    explicit fired_coroutine(closure<Fn, Args...>& fired)
        : chain(std::in_place_type<fired_coroutine>), fired_(std::move(fired)) {}

    /// To be called by the stretch that is to run it.
    void begin(task_run& run) {
        adopt(run);
        if constexpr (is_task<returned>) {
            outermost_ = call();
        } else {
            outermost_ = await_as_task<await_result_t<returned>>(*this);
        }
        if (!outermost_) {
            throw_misuse(empty_task);
        }
        frame_link& link = outermost_.frame_.promise();
        link.of = this;
        set_next(outermost_.frame_, link);
    }

    /// Null without memory.
    static void* allocate() noexcept {
        if constexpr (is_usual()) {
            return frame_pool::allocate(sizeof(fired_coroutine));
        } else {
            return allocate_inside(sizeof(fired_coroutine), alignof(fired_coroutine));
        }
    }
    static void release(void* memory) noexcept {
        if constexpr (is_usual()) {
            frame_pool::release(memory, sizeof(fired_coroutine));
        } else {
            release_inside(memory, alignof(fired_coroutine));
        }
    }

    returned call() {
        if constexpr (takes_stop_token<Fn, Args...>) {
            return coroutine_start<closure<Fn, Args...>>::invoke(fired_, token());
        } else {
            return coroutine_start<closure<Fn, Args...>>::invoke(fired_);
        }
    }

private:
    template <class R>
    struct task_for {
        using type = task<await_result_t<R>>;
    };
    template <class T>
    struct task_for<task<T>> {
        using type = task<T>;
    };

    static void look(chain& ended, task_run& run) {
        look_at(static_cast<fired_coroutine&>(ended).outermost_.frame_.promise(), run);
    }
    static void destroy_it(chain& ended) {
        auto* const it = static_cast<fired_coroutine*>(&ended);
        const scope_guard at_the_end([it] { release(it); }); // even if a destructor throws
        it->~fired_coroutine();
    }
    static constexpr bool is_usual() noexcept {
        return alignof(fired_coroutine) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
    }

    friend chain;
    friend coroutine_start<closure<Fn, Args...>>;
    static constexpr chain_type how_it_ends{&look, &destroy_it};

    closure<Fn, Args...> fired_;
    typename task_for<returned>::type outermost_; // ends before what it may refer to
};

template <class Fn, class... Args>
struct coroutine_start<closure<Fn, Args...>> {
    using fired = fired_coroutine<Fn, Args...>;

    static void begin(closure<Fn, Args...>& from, task_run& run) {
        void* const memory = fired::allocate();
        if (memory == nullptr) {
            run.given_up(failure::refused, to_string(refusal::out_of_memory));
            return;
        }
        fired* made = nullptr;
        const auto fail = [&] { run.failed_with_exception(); };
        if (!attempt([&] { made = ::new (memory) fired(from); }, fail)) {
            fired::release(memory);
            return;
        }
        stretch first(*made, fired::how_it_ends);
        first.attach(run);
        if (attempt([&] { made->begin(run); }, fail)) {
            first.go();
        }
        first.destroy_chain(); // outside of the handler: what it destroys may throw
        run.ended_as(first.settle(run.result()));
    }

    template <class... First>
    static decltype(auto) invoke(closure<Fn, Args...>& from, First&&... first) {
        return closure<Fn, Args...>::invoke(std::move(from.parts_),
                                            std::index_sequence_for<Args...>{},
                                            std::forward<First>(first)...);
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
