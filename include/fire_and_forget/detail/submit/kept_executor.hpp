// SPDX-License-Identifier: MIT
#pragma once

// How a coroutine keeps hold of an executor of somebody else's. fire.hpp keeps the one that a
// coroutine is fired at, chain_waits.hpp the one that it moves to.

#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/task.hpp"
#include "job.hpp"

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Gives a job to an executor of somebody else's; what it answers, if it does.
template <class E>
refusal call_with_job(E& target, job work) {
    if constexpr (!has_execute<E>) {
        target(std::move(work));
    } else if constexpr (std::same_as<decltype(target.execute(job())), submission>) {
        return target.execute(std::move(work)).why();
    } else {
        target.execute(std::move(work));
    }
    return refusal::none;
}

/// Whether it stands for an executor, as a pointer does.
template <class E>
inline constexpr bool is_executor_handle = false;

/// What is copied though the caller has a name for it: functions, and lambdas, which can't be
/// assigned once they have captures. Other objects may be what others look at, or hold jobs.
template <class E>
concept copied_by_coroutines = is_executor_handle<E> ||
    (!has_execute<E> && std::is_copy_constructible_v<E> &&
     (std::is_trivially_copyable_v<E> || !std::is_copy_assignable_v<E>));

/// Whether it is known to queue what it takes, also where that thread hands something over already.
template <class E>
inline constexpr bool only_queues = false;

template <class E>
class kept_executor final : public foreign_executor {
public:
    template <class From>
    explicit kept_executor(std::in_place_t, From&& from)
        : foreign_executor(only_queues<std::remove_cvref_t<E>>),
          executor_(std::forward<From>(from)) {}

    refusal take(task_ptr task) override {
        return call_with_job<std::remove_reference_t<E>>(executor_,
                                                         job_access::make(std::move(task)));
    }

private:
    E executor_; ///< a reference to what is not copied
};

/// Moves a temporary one, copies what is copied_by_coroutines, and refers to all others, which must
/// live until the coroutine has ended. Null for a temporary that can't be moved. Throws what that
/// throws.
template <class E>
std::shared_ptr<foreign_executor> keep_executor(E&& executor) {
    using plain = std::remove_cvref_t<E>;
    constexpr bool is_referred_to = std::is_lvalue_reference_v<E> && !copied_by_coroutines<plain>;
    using kept = kept_executor<std::conditional_t<is_referred_to, E, plain>>;
    if constexpr (is_referred_to || std::is_constructible_v<plain, E>) {
        return std::allocate_shared<kept>(library_allocator<kept>(), std::in_place,
                                          std::forward<E>(executor));
    } else {
        return nullptr;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
