// SPDX-License-Identifier: MIT
#pragma once

// The callable of a call together with the place of the call, and how both become a task. This is
// how the front door knows where it was called from without a macro.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../queue/block.hpp"
#include "../task/awaitable_result.hpp"
#include "../task/callable.hpp"
#include "../task/task.hpp"
#include "job.hpp"
#include "misuse.hpp"

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What is neither an executor nor options can only be meant as a callable. (The first condition
/// keeps clang 14 from taking `{.name = "x"}` for one: it sees a reference to void there.)
template <class F>
concept meant_as_callable = std::is_reference_v<F&&> && !executor<F> && !holds_options<F>;

/// What there is to know about storing a callable of one type with arguments of some types.
template <class... Args>
struct storing {
    storing_facts facts;

    /// Copies or moves the callable and the arguments to `memory`. Throws what that throws.
    void (*construct)(void* fn, void* memory, Args&&... args);
};

/// The callable of one call, by reference, with the place of the call. Three pointers, and the last
/// one leads to a constant: where the call is inlined, nothing is left of it.
///
/// A default argument can't follow the pack of a call's arguments, so the place can't be a
/// parameter of the front door itself. It is one of this converting constructor instead, which the
/// compiler runs at the call.
template <class... Args>
class located {
public:
    template <meant_as_callable F>
    [[gnu::always_inline]] located(F&& callable, call_site place = call_site::current()) noexcept
        : where(place), fn(address_of(callable)) {
        set_how<F, false>(callable);
    }

    [[gnu::always_inline]] void construct(void* memory, Args&&... args) const {
        how->construct(fn, memory, std::forward<Args>(args)...);
    }

    // Fields, not functions, which GCC would inline too late to see through them.
    call_site where;
    void* fn;
    const storing<Args...>* how = nullptr;

protected:
    template <class F>
    [[gnu::always_inline]] located(F& callable, const call_site& place, std::true_type) noexcept
        : where(place), fn(address_of(callable)) {}

    template <class F, bool MayRepeat>
    [[gnu::always_inline]] void set_how(std::remove_reference_t<F>& callable) noexcept {
        constexpr misuse found = find_misuse<F, Args...>();
        static_assert(found != misuse::fn_not_copyable,
                      "fire_and_forget: the callable can't be copied: pass it with std::move.");
        static_assert(found != misuse::argument_not_copyable,
                      "fire_and_forget: an argument can't be copied: pass it with std::move.");
        static_assert(
            found != misuse::argument_by_reference,
            "fire_and_forget: the callable takes an argument by reference, but a task gets "
            "its own copies: pass std::ref(x) to share x, which must outlive the task.");
        static_assert(
            found != misuse::argument_is_array,
            "fire_and_forget: an array would be passed as a pointer to what may be gone by "
            "then: pass a std::string, a std::array, or &array[0] if it lives long enough.");
        static_assert(found != misuse::executor_by_address,
                      "fire_and_forget: pass the executor itself, not a pointer to it.");
        static_assert(found != misuse::executor_without_key,
                      "fire_and_forget: a conflating_executor wants to know of what the task is: "
                      "fire_and_forget(latest[key], fn).");
        static_assert(found != misuse::executor_const,
                      "fire_and_forget: tasks change their executor: this one must not be const.");
        static_assert(found != misuse::executor_not_first,
                      "fire_and_forget: the executor comes first: fire_and_forget(pool, fn, ...). "
                      "To hand it to the callable, pass std::ref(pool).");
        static_assert(found != misuse::options_not_first,
                      "fire_and_forget: the options come before the callable: "
                      "fire_and_forget(options, fn, ...).");
        static_assert(found != misuse::called_already,
                      "fire_and_forget: what is to be awaited has been made already: pass the "
                      "function and its arguments, fire_and_forget(fn, args...), not fn(args...).");
        static_assert(found != misuse::option_without_braces,
                      "fire_and_forget: options are named, in braces before the callable: "
                      "fire_and_forget({.name = \"save\", .after = 3s}, fn).");
        static_assert(found != misuse::member_takes_stop_token,
                      "fire_and_forget: a pointer to a member is given no stop_token, as by "
                      "std::jthread: pass a lambda that takes one and calls the member.");
        static_assert(found != misuse::not_callable,
                      "fire_and_forget: the callable can't be called with these arguments.");
        if constexpr (found == misuse::none) {
            how = &how_to_store<F, is_nullable<F>, MayRepeat>;
            if constexpr (std::is_pointer_v<std::remove_reference_t<F>> ||
                          std::is_member_pointer_v<std::remove_reference_t<F>>) {
                how = callable != nullptr ? &how_to_store<F, false, MayRepeat> : how;
            }
        }
    }

private:
    template <class F>
    static constexpr bool is_nullable =
        nullable<std::decay_t<F>> && !std::is_function_v<std::remove_reference_t<F>>;

    template <class F>
    static void* address_of(F& callable) noexcept {
        if constexpr (std::is_function_v<F>) {
            return reinterpret_cast<void*>(&callable);
        } else {
            return const_cast<void*>(static_cast<const volatile void*>(std::addressof(callable)));
        }
    }

    template <class F>
    static F&& callable_at(void* callable) noexcept {
        using plain = std::remove_reference_t<F>;
        if constexpr (std::is_function_v<plain>) {
            return *reinterpret_cast<plain*>(callable);
        } else {
            return static_cast<F&&>(*static_cast<plain*>(callable));
        }
    }

    template <class F>
    using stored = closure<std::decay_t<F>, std::decay_t<Args>...>;

    template <class F>
    static void construct_at(void* callable, void* memory, Args&&... args) {
        ::new (memory)
            stored<F>(std::in_place, callable_at<F>(callable), std::forward<Args>(args)...);
    }

    template <class F>
    static constexpr auto empty_check() noexcept -> bool (*)(void*) {
        if constexpr (is_nullable<F>) {
            return [](void* callable) { return detail::is_empty(callable_at<F>(callable)); };
        } else {
            return nullptr;
        }
    }

    template <class F, bool MayRepeat>
    static constexpr const task_vtable* repeated_type_for() noexcept {
        if constexpr (MayRepeat) {
            if constexpr (can_be_repeated<std::decay_t<F>, std::decay_t<Args>...>()) {
                return &repeated_type_of<stored<F>>;
            }
        }
        return nullptr;
    }

    template <class F>
    static constexpr bool
        fits_slot = slot::fits(type_of<stored<F>>) &&
                    std::is_nothrow_constructible_v<stored<F>, std::in_place_t, F, Args...>;

    template <class F>
    static constexpr bool is_plain() noexcept {
        return std::is_trivially_destructible_v<stored<F>> &&
               std::is_trivially_constructible_v<std::decay_t<F>, F> &&
               (std::is_trivially_constructible_v<std::decay_t<Args>, Args> && ...);
    }

    template <class F, bool MayBeEmpty, bool MayRepeat>
    static constexpr storing<Args...> how_to_store{
        {&type_of<stored<F>>, repeated_type_for<F, MayRepeat>(), empty_check<F>(), fits_slot<F>,
         fits_slot<F> && !MayBeEmpty,
         awaitable_result<call_result_t<std::decay_t<F>, std::decay_t<Args>...>>, is_plain<F>()},
        &construct_at<F>};
};

/// The same for a call with options, by which it may come to be called again and again.
template <class... Args>
class located_to_repeat : public located<Args...> {
public:
    template <meant_as_callable F>
    [[gnu::always_inline]] located_to_repeat(F&& callable,
                                             call_site place = call_site::current()) noexcept
        : located<Args...>(callable, place, std::true_type{}) {
        this->template set_how<F, true>(callable);
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
