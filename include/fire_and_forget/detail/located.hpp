// SPDX-License-Identifier: MIT
#pragma once

// The callable of a call together with the place of the call, and how both become a task. This is
// how the front door knows where it was called from without a macro.

#include "../call_site.hpp"
#include "../executor.hpp"
#include "../options.hpp"
#include "callable.hpp"
#include "describe.hpp"
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
            make_ = &make_from<F>;
        }
    }

    const call_site& where() const noexcept { return where_; }

    /// Copies or moves the callable and the arguments into a new task. Null if that fails; then it
    /// has been reported, and `why` is set.
    task_ptr make(const firing& call, refusal& why, Args&&... args) const {
        return make_(fn_, call, why, std::forward<Args>(args)...);
    }

private:
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

    template <class F>
    static task_ptr make_from(void* fn, const firing& call, refusal& why, Args&&... args) {
        using task = stored_task<std::decay_t<F>, std::decay_t<Args>...>;
        task_ptr made;
        attempt(
            [&] {
                if constexpr (!std::is_function_v<std::remove_reference_t<F>>) {
                    if (detail::is_empty(callable_at<F>(fn))) {
                        why = call.refuse(refusal::empty_callable);
                        return;
                    }
                }
                made.reset(new (std::nothrow)
                               task(call.where, callable_at<F>(fn), std::forward<Args>(args)...));
                add_options(made, call.given);
            },
            [&] {
                made.reset();
                why = call.refuse_for_exception(refusal::copy_threw);
            });
        if (!made && why == refusal::none) {
            why = call.refuse(refusal::out_of_memory);
        }
        return made;
    }

    call_site where_;
    void* fn_;
    task_ptr (*make_)(void*, const firing&, refusal&, Args&&...) = nullptr;
};

} // namespace faf::detail
