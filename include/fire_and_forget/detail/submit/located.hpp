// SPDX-License-Identifier: MIT
#pragma once

// The callable of a call together with the place of the call, and how both become a task. This is
// how the front door knows where it was called from without a macro.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "../queue/block.hpp"
#include "../task/awaitable_result.hpp"
#include "../task/callable.hpp"
#include "../task/task.hpp"
#include "call.hpp"
#include "job.hpp"
#include "misuse.hpp"

#include <concepts>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One call of the front door while it lasts: what reports of a refusal need.
struct firing {
    const options* given = nullptr; ///< null for a plain call
    const error_sink* of_executor = nullptr;
    call_site where{};

    /// Reports that the task was not accepted, and returns why.
    refusal refuse(refusal why) const { return refuse(why, to_string(why)); }

    refusal refuse(refusal why, std::string_view in_words) const {
        tell(failure::refused, nullptr, {}, in_words);
        return why;
    }

    /// The same inside a handler: the exception being handled is the cause.
    refusal refuse_for_exception(refusal why) const {
        const exception_description thrown;
        if (thrown.is_out_of_memory()) {
            why = refusal::out_of_memory;
        }
        tell(failure::refused, thrown.exception(), thrown.type(), thrown.what());
        return why;
    }

    /// Inside a handler: reports an exception of the executor, which took the task all the same.
    void tell_exception() const {
        const exception_description thrown;
        tell(failure::exception, thrown.exception(), thrown.type(), thrown.what());
    }

    void tell(failure kind, std::exception_ptr exception, std::string_view type,
              std::string_view what) const {
        const std::string_view name = given != nullptr ? given->name : literal();
        error_report about = make_report(kind, where, name, what);
        about.exception = std::move(exception);
        about.type = type;
        report(about, given != nullptr ? &given->on_error : nullptr, of_executor);
    }
};

inline firing make_firing(const options* given, const error_sink* of_executor,
                          const call_site& where) noexcept {
    const bool is_elsewhere = given != nullptr && given->where.line() != 0;
    return {given, of_executor, is_elsewhere ? given->where : where};
}

/// Adds the options of the call to `made`, or gives it up.
inline void add_options(task_ptr& made, const firing& call, refusal& why) {
    bool is_done = false;
    if (call.given == nullptr || !call.given->on_error) {
        is_done = add_options(*made, call.given);
    } else {
        attempt([&] { is_done = add_options(*made, call.given); },
                [&] { why = call.refuse_for_exception(refusal::copy_threw); });
    }
    if (!is_done) {
        made.reset();
        if (why == refusal::none) {
            why = call.refuse(refusal::out_of_memory);
        }
    }
}

/// What is neither an executor nor options can only be meant as a callable. (The first condition
/// keeps clang 14 from taking `{.name = "x"}` for one: it sees a reference to void there.)
template <class F>
concept meant_as_callable = std::is_reference_v<F&&> && !executor<F> && !holds_options<F>;

/// What there is to know about storing a callable of one type with arguments of some types.
template <class... Args>
struct storing {
    const task_type* type;

    /// The same for a task that repeats; null if the callable can't be called more than once, and
    /// for calls without options.
    const task_type* repeated_type;

    /// Copies or moves the callable and the arguments to `memory`. Throws what that throws.
    void (*construct)(void* fn, void* memory, Args&&... args);

    /// Whether it is a null pointer or an empty std::function; null if its type is never empty.
    /// Throws what comparing with null throws.
    bool (*is_empty)(void* fn);

    /// Whether it may be constructed in a slot: there is room, and copying does not throw.
    bool fits_slot;

    /// True if nothing can go wrong: the same, and it is not empty.
    bool is_quick;
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

    /// The same again, put together from its parts.
    located(const call_site& place, void* callable, const storing<Args...>* store) noexcept
        : where(place), fn(callable), how(store) {}

    bool is_empty() const { return how->is_empty != nullptr && how->is_empty(fn); }

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
        static_assert(found != misuse::executor_not_first,
                      "fire_and_forget: the executor comes first: fire_and_forget(pool, fn, ...). "
                      "To hand it to the callable, pass std::ref(pool).");
        static_assert(found != misuse::options_not_first,
                      "fire_and_forget: the options come before the callable: "
                      "fire_and_forget(options, fn, ...).");
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
    static constexpr const task_type* repeated_type_for() noexcept {
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

    template <class F, bool MayBeEmpty, bool MayRepeat>
    static constexpr storing<Args...> how_to_store{
        &type_of<stored<F>>, repeated_type_for<F, MayRepeat>(), &construct_at<F>, empty_check<F>(),
        fits_slot<F>,        fits_slot<F> && !MayBeEmpty};
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

/// Lists are indexed by it.
constexpr bool is_priority(priority level) noexcept {
    return level == priority::high || level == priority::normal || level == priority::low;
}

/// False if there is nothing to call, or it has a priority that there is not; then it has been
/// reported, and `why` is set.
template <class Located>
bool can_be_fired(const Located& fn, const firing& call, refusal& why) {
    if (call.given != nullptr && !is_priority(call.given->priority)) {
        why = call.refuse(refusal::invalid_options,
                          "`priority` is none of faf::priority::high, normal and low");
        return false;
    }
    if (fn.how->is_empty == nullptr) {
        return true;
    }
    bool is_empty = false;
    attempt([&] { is_empty = fn.is_empty(); },
            [&] { why = call.refuse_for_exception(refusal::copy_threw); });
    if (is_empty) {
        why = call.refuse(refusal::empty_callable);
    }
    return why == refusal::none;
}

/// Copies the callable and the arguments of a call to `memory`. False if that throws; then it has
/// been reported, and `why` is set.
template <class Located, class... Args>
bool try_construct(const Located& fn, void* memory, const firing& call, refusal& why,
                   Args&&... args) {
    bool is_done = false;
    attempt(
        [&] {
            fn.construct(memory, std::forward<Args>(args)...);
            is_done = true;
        },
        [&] { why = call.refuse_for_exception(refusal::copy_threw); });
    return is_done;
}

/// Makes a task on the heap, after can_be_fired(). Null if that fails; then it has been reported,
/// and `why` is set.
template <class Located, class... Args>
task_ptr make_task(const Located& fn, const firing& call, refusal& why, Args&&... args) {
    const task_type* type = fn.how->type;
    if (call.given != nullptr && call.given->every.count() != 0) {
        type = fn.how->repeated_type;
        if (call.given->every.count() < 0) {
            why = call.refuse(refusal::invalid_options, "`every` is negative");
            return nullptr;
        }
        if (type == nullptr) {
            why = call.refuse(refusal::invalid_options,
                              "`every` needs a callable that can be called more than once, and "
                              "this one uses itself or its arguments up");
            return nullptr;
        }
    }
    node_memory memory(task_node::allocate(*type, call.where));
    if (memory == nullptr) {
        why = call.refuse(refusal::out_of_memory);
        return nullptr;
    }
    if (!try_construct(fn, memory->closure(), call, why, std::forward<Args>(args)...)) {
        return nullptr;
    }
    task_ptr made(memory.release());
    add_options(made, call, why);
    return made;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
