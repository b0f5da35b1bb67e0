// SPDX-License-Identifier: MIT
#pragma once

// Any executor without its type: for code that is fired from and need not be a template.
// detail/submit/any_core.hpp is its inside.

#include "detail/platform/abi.hpp"
#include "detail/submit/any_core.hpp"
#include "executor.hpp"
#include "options.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Refers to an executor of any type and is one itself: a parameter or a member of code that is to
/// run on a pool in the program and on a manual_executor in its tests.
///
///     class cache {
///     public:
///         explicit cache(faf::executor_ref on) : on_(on) {}
///         void refresh() { fire_and_forget(on_, {.name = "refresh", .after = 1s}, reload); }
///     private:
///         faf::executor_ref on_;
///     };
///
/// What is fired at it is fired at the executor: with all options that this can fulfil, and
/// coroutines may go on there.
///
/// Order, Errors: the executor's.
/// Thread safety: may be copied and fired at by any thread from which the executor may be.
/// Lifetime: it does not keep the executor, which must outlive its uses. One without a name, which
/// is gone at the end of the line, does not compile.
/// Cost: two pointers. A call is one through a pointer, and at a pool one that has to look, some
/// nanoseconds more than at the pool itself.
class executor_ref {
public:
    /// Refers to `executor`.
    template <class E>
    requires(faf::executor<E> && !std::same_as<std::remove_cvref_t<E>, executor_ref>)
        executor_ref(E&& executor)
    noexcept : core_(executor) {
        static_assert(std::is_lvalue_reference_v<E>,
                      "fire_and_forget: an executor_ref keeps no executor alive: give it one that "
                      "has a name.");
    }

    /// Takes a job that was made for another executor, as the executor does.
    submission execute(job work) const { return submission(core_.execute(std::move(work))); }

private:
    friend detail::core_access;
    const detail::any_core& core() const noexcept { return core_; }

    detail::any_core core_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
