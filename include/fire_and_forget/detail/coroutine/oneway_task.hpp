// SPDX-License-Identifier: MIT
#pragma once

// Coroutines that nobody awaits and that need no front door. The detached of ../../coroutine.hpp
// is one.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../submit/diversion.hpp"
#include "../submit/firing.hpp"
#include "../submit/located.hpp"
#include "chain.hpp"
#include "fired_coroutine.hpp"
#include "frame_pool.hpp"
#include "task_promise.hpp"

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Where `detached` starts.
struct on_default_pool {
    static held_home get() noexcept { return {}; }
};

template <class T>
concept holds_what_is_not_assigned =
    std::is_class_v<T> && !std::is_empty_v<T> && !std::is_copy_assignable_v<T> &&
    !std::is_default_constructible_v<T>;

/// Whether a coroutine that has Args for parameters, as coroutine_traits is told, is that of a
/// lambda with captures. The lambda comes first then; what can be assigned is another class whose
/// call operator this may be, or an argument.
template <class Returned, class... Args>
inline constexpr bool is_lambda_with_captures = false;
template <class Returned, class First, class... Rest>
inline constexpr bool is_lambda_with_captures<Returned, First, Rest...> =
    holds_what_is_not_assigned<std::remove_cvref_t<First>>&&
        std::is_invocable_r_v<Returned, First, Rest...>;

/// The return type of a coroutine that starts on the scheduler of `Place`, as a chain of its own.
template <class Place>
struct oneway_task {
    class promise_type : public chain,
                         public chain_member,
                         public frame_or_null,
                         public coroutine_result<void> {
    public:
        /// The place that reports name: a parameter of type call_site, or else the coroutine.
        template <class... Args>
        explicit promise_type(const Args&... args) : chain(std::in_place_type<promise_type>) {
            (note_place(args), ...);
        }

        oneway_task get_return_object(call_site coroutine = call_site::current()) noexcept {
            if (where.line() == 0) {
                where = coroutine;
            }
            return {};
        }
        static oneway_task get_return_object_on_allocation_failure() {
            firing{}.refuse(refusal::out_of_memory);
            return {};
        }

        struct start {
            static bool await_ready() noexcept { return false; }
            template <std::derived_from<promise_type> Promise>
            static void await_suspend(std::coroutine_handle<Promise> made) {
                made.promise().begin(made);
            }
            static void await_resume() noexcept {}
        };
        static start initial_suspend() noexcept { return {}; }
        static end_of_coroutine final_suspend() noexcept { return {}; }

    private:
        template <class Arg>
        void note_place(const Arg& argument) noexcept {
            if constexpr (std::is_same_v<Arg, call_site>) {
                where = argument;
            }
        }

        /// *this may be gone afterwards.
        void begin(std::coroutine_handle<> self) {
            of = this;
            set_next(self, *this);
            const auto there = Place::get(); // until it is there
            scheduler* const on = there;
            begin_on(on);
            const call_site place = where; // it may be gone once it has started
            const refusal why = on != nullptr ? on->start_coroutine(*this) : refusal::shutting_down;
            if (why != refusal::none) {
                destroy();
                firing{nullptr, {}, place}.refuse(why);
            }
        }

        static promise_type& promise_of(chain& one) noexcept {
            return static_cast<promise_type&>(one);
        }
        static void look(chain& ended, task_run& run) { look_at(promise_of(ended), run); }
        static void destroy_it(chain& ended) {
            std::coroutine_handle<promise_type>::from_promise(promise_of(ended)).destroy();
        }
        friend chain;
        static constexpr chain_type how_it_ends{&look, &destroy_it};
    };
};

template <class Place>
inline constexpr bool starts_itself<oneway_task<Place>> = true;

/// The promise of a coroutine that may be a lambda's. It begins where the other does.
template <class Place, class... Args>
struct promise_without_captures : oneway_task<Place>::promise_type {
    using oneway_task<Place>::promise_type::promise_type;

    oneway_task<Place> get_return_object(call_site coroutine = call_site::current()) noexcept {
        static_assert(
            !is_lambda_with_captures<oneway_task<Place>, Args...>,
            "fire_and_forget: the captures of a lambda are gone as soon as this faf::detached "
            "waits: pass them as arguments, or fire a lambda that returns a faf::task.");
        return oneway_task<Place>::promise_type::get_return_object(coroutine);
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail

/// Where the compiler looks for the promise of a coroutine. A lambda is not yet complete there.
template <class Place, class First, class... Rest>
requires std::is_class_v<std::remove_reference_t<First>>
struct std::coroutine_traits<faf::detail::oneway_task<Place>, First, Rest...> {
    using promise_type = faf::detail::promise_without_captures<Place, First, Rest...>;
};
