// SPDX-License-Identifier: MIT
#pragma once

// Which worker of which pool runs the calling code, and what a pool calls when one starts and ends.
// options.hpp takes the latter.

#include "detail/platform/abi.hpp"
#include "detail/platform/thread_state.hpp"

#include <functional>
#include <optional>
#include <string_view>

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

/// What a pool calls on each of its threads; see pool_options::on_thread_start.
using thread_hook = std::function<void(const worker_info&)>;

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
