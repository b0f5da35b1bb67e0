// SPDX-License-Identifier: MIT
#pragma once

// The callable of a call together with the place of the call, and how both become a task. This is
// how the front door knows where it was called from without a macro.

#include "../call_site.hpp"
#include "../executor.hpp"
#include "../options.hpp"
#include "attempt.hpp"
#include "callable.hpp"
#include "describe.hpp"
#include "lane.hpp"
#include "platform.hpp"
#include "report.hpp"
#include "task.hpp"
#include "time.hpp"

#include <concepts>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::detail {

/// One call of the front door while it lasts: what reports of a refusal need.
struct firing {
    const options* given = nullptr; ///< null for a plain call
    const error_sink* of_executor = nullptr;
    call_site where{};

    /// Reports that the task was not accepted, and returns why.
    refusal refuse(refusal why) const {
        tell(failure::refused, nullptr, {}, to_string(why));
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
        error_report about{};
        about.kind = kind;
        about.exception = std::move(exception);
        about.type = type;
        about.what = what;
        about.task = or_empty(given != nullptr ? given->name : nullptr);
        about.where = where;
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
    attempt([&] { is_done = add_options(*made, call.given); },
            [&] { why = call.refuse_for_exception(refusal::copy_threw); });
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
concept meant_as_callable =
    std::is_reference_v<F&&> && !executor<F> && !std::derived_from<std::remove_cvref_t<F>, options>;

/// The callable of one call, by reference, with the place of the call.
///
/// A default argument can't follow the pack of a call's arguments, so the place can't be a
/// parameter of the front door itself. It is one of this converting constructor instead, which the
/// compiler runs at the call.
template <class... Args>
class located {
public:
    template <meant_as_callable F>
    located(F&& fn, call_site where = call_site::current()) noexcept
        : where_(where), fn_(address_of(fn)) {
        constexpr misuse found = find_misuse<F, Args...>();
        static_assert(found != misuse::fn_not_copyable,
                      "fire_and_forget: the callable can't be copied: pass it with std::move.");
        static_assert(found != misuse::argument_not_copyable,
                      "fire_and_forget: an argument can't be copied: pass it with std::move.");
        static_assert(
            found != misuse::argument_by_reference,
            "fire_and_forget: the callable takes an argument by reference, but a task gets "
            "its own copies: pass std::ref(x) to share x, which must outlive the task.");
        static_assert(found != misuse::not_callable,
                      "fire_and_forget: the callable can't be called with these arguments.");
        if constexpr (found == misuse::none) {
            using stored = closure<std::decay_t<F>, std::decay_t<Args>...>;
            type_ = &type_of<stored>;
            construct_ = &construct_at<F, stored>;
            is_quick_ = slot::fits(type_of<stored>) &&
                        std::is_nothrow_constructible_v<stored, std::in_place_t, F, Args...>;
            if constexpr (nullable<std::decay_t<F>> &&
                          !std::is_function_v<std::remove_reference_t<F>>) {
                is_empty_ = [](void* given) { return detail::is_empty(callable_at<F>(given)); };
                is_quick_ = is_quick_ && is_plain_pointer<F>(fn);
            }
        }
    }

    const call_site& where() const noexcept { return where_; }
    const task_type& type() const noexcept { return *type_; }

    /// A null pointer or an empty std::function. Throws what comparing with null throws.
    bool is_empty() const { return is_empty_ != nullptr && is_empty_(fn_); }

    /// True if nothing can go wrong: it is not null, fits a slot, and copying does not throw.
    bool is_quick() const noexcept { return is_quick_; }

    /// Copies or moves the callable and the arguments to `memory`. Throws what that throws.
    void construct(void* memory, Args&&... args) const {
        construct_(fn_, memory, std::forward<Args>(args)...);
    }

private:
    template <class F>
    static constexpr bool is_plain_pointer(const std::decay_t<F>& fn) noexcept {
        if constexpr (std::is_pointer_v<std::decay_t<F>> ||
                      std::is_member_pointer_v<std::decay_t<F>>) {
            return fn != nullptr;
        } else {
            return false;
        }
    }

    template <class F>
    static void* address_of(F& fn) noexcept {
        if constexpr (std::is_function_v<F>) {
            return reinterpret_cast<void*>(&fn);
        } else {
            return const_cast<void*>(static_cast<const volatile void*>(std::addressof(fn)));
        }
    }

    template <class F>
    static F&& callable_at(void* fn) noexcept {
        using plain = std::remove_reference_t<F>;
        if constexpr (std::is_function_v<plain>) {
            return *reinterpret_cast<plain*>(fn);
        } else {
            return static_cast<F&&>(*static_cast<plain*>(fn));
        }
    }

    template <class F, class Stored>
    static void construct_at(void* fn, void* memory, Args&&... args) {
        ::new (memory) Stored(std::in_place, callable_at<F>(fn), std::forward<Args>(args)...);
    }

    call_site where_;
    void* fn_;
    const task_type* type_ = nullptr;
    void (*construct_)(void*, void*, Args&&...) = nullptr;
    bool (*is_empty_)(void*) = nullptr;
    bool is_quick_ = false;
};

/// False if there is nothing to call; then it has been reported, and `why` is set.
template <class Located>
bool has_callable(const Located& fn, const firing& call, refusal& why) {
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

/// Makes a task on the heap. Null if that fails; then it has been reported, and `why` is set.
template <class Located, class... Args>
task_ptr make_task(const Located& fn, const firing& call, refusal& why, Args&&... args) {
    if (!has_callable(fn, call, why)) {
        return nullptr;
    }
    node_memory memory(task_node::allocate(fn.type(), call.where));
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

} // namespace faf::detail
