// SPDX-License-Identifier: MIT
#pragma once

// Which worker of which pool runs the calling code, and what a pool calls when one starts and ends.
// options.hpp takes the latter.

#include "detail/platform/abi.hpp"
#include "detail/platform/thread_state.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// A worker thread of a pool.
struct worker_info {
    /// From 0. No two workers that a pool has at one time share it, and it is the smallest that is
    /// free: so it is below the pool's `threads`, or `max_threads` where it may grow. (It may be
    /// above by one for each thread that has called exit(), or was given up.)
    unsigned index = 0;

    /// The pool's, as far as it is shown: ten characters. Good as long as its worker lives.
    std::string_view pool{};
};

namespace detail {

/// No hook can be made of this, and it is none.
template <class T>
concept no_hook =
    !std::is_base_of_v<std::function<void(const worker_info&)>, std::remove_cvref_t<T>> &&
    !std::is_convertible_v<T, std::function<void(const worker_info&)>>;

} // namespace detail

/// What a pool calls on each of its threads; see pool_options::on_thread_start.
///
///     faf::thread_hook pin = [](const faf::worker_info& me) { pin_to_cpu(me.index); };
class thread_hook : public std::function<void(const worker_info&)> {
    using base = std::function<void(const worker_info&)>;

public:
    using base::base;

    /// Empty: nothing is called.
    thread_hook() noexcept = default;

    /// `hook`, which may be empty.
    thread_hook(base hook) noexcept : base(std::move(hook)) {}

    /// Does not compile: a sentence says what a hook is.
    template <detail::no_hook Hook>
    thread_hook(const Hook&) noexcept { // not as the inherited ones: clang 14 would drop those
        static_assert(!detail::no_hook<Hook>,
                      "fire_and_forget: a hook is called with the worker whose thread it is: "
                      "[](const faf::worker_info& me) { ... }.");
    }
};

/// The worker that runs the calling code: a task, a sink, a hook; nothing on threads that are no
/// pool's, those of own_thread included.
///
///     if (const auto here = faf::this_worker()) { ++counts[here->index]; }
///
/// A coroutine may have another one after each co_await.
/// Thread safety: may be called by any thread. Cost: a look at a variable of the thread.
inline std::optional<worker_info> this_worker() noexcept {
    const worker_info* const here = detail::this_thread.worker;
    return here != nullptr ? std::optional<worker_info>(*here) : std::nullopt;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI
