// SPDX-License-Identifier: MIT
#pragma once

// A queue of bounded length between coroutines: who pushes waits for room, who pops for an item,
// and neither holds a thread meanwhile. detail/coroutine/channel_core.hpp is the inside.

#include "coroutine.hpp"
#include "detail/coroutine/channel_core.hpp"
#include "detail/platform/abi.hpp"

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Any number of coroutines, and of threads, push items, and any number pop them. T is an object
/// type that can be moved or copied without an exception.
///
///     faf::channel<std::string> lines(100);
///     faf::task<> read() {
///         while (auto line = next_line()) { co_await lines.push(*line); }
///         lines.close();
///     }
///     faf::task<> count() {
///         while (const std::optional<std::string> line = co_await lines.pop()) { add(*line); }
///     }
///
/// Order: items come out in the order in which they went in; who waits is served in the order in
/// which he came, but one who comes just then may be quicker.
/// Errors: a wait is ended by task_cancelled when the task is asked to stop or its executor shuts
/// down, as a sleep is: then nothing was pushed or popped. One that was served before goes on with
/// that. An item whose coroutine is destroyed before it goes on, abandoned, is lost with it.
/// Thread safety: any thread may call anything, but for signal handlers. A thread waits with
/// `faf::sync_wait(lines.pop())`.
/// Lifetime: it must outlive those who wait, and every call: who has popped the last item, or has
/// learnt that it is closed, may be on his way before the one who pushed or closed has returned.
/// Cost: an item and four or eight bytes for each that it has room for, allocated at once; an item
/// that nobody waits for, two read-modify-writes.
template <class T>
class channel {
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                  "fire_and_forget: moving an item of a channel may not throw, for it would be "
                  "lost: give it a std::unique_ptr to one.");

public:
    /// `capacity`: how many items may be in it that nobody has popped, beside those that wait to be
    /// pushed. With 0 it has room for one.
    /// Throws: std::bad_alloc; std::length_error where that many can never have room: four thousand
    /// million, or a negative number.
    explicit channel(std::size_t capacity) : core_(capacity > 0 ? capacity : 1) {}

    /// Does not compile: a sentence says that a channel has a capacity.
    template <class Item = T>
    channel() : core_(1) {
        static_assert(!std::is_same_v<Item, T>,
                      "fire_and_forget: a channel is made with its capacity: faf::channel<T> "
                      "items(100).");
    }
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;

    /// `co_await lines.push(item)`: true when it is in, or with somebody who waited for one; false
    /// if the channel is closed, before or meanwhile. Then the item is gone.
    ///
    /// item: with GCC 12, no aggregate that is made in this very call: see task.
    /// Throws: task_cancelled.
    detail::channel_awaitable<T, detail::channel_end::push> push(T item) noexcept {
        return detail::channel_awaitable<T, detail::channel_end::push>(core_, std::move(item));
    }

    /// `co_await lines.pop()`: an item, or nothing if the channel is closed and there is none left.
    ///
    /// Throws: task_cancelled.
    detail::channel_awaitable<T, detail::channel_end::pop> pop() noexcept {
        return detail::channel_awaitable<T, detail::channel_end::pop>(core_);
    }

    /// Pushes it if there is room, from ordinary code too. False if not, or if the channel is
    /// closed; then the item is as it was.
    bool try_push(T&& item) {
        auto* const claimed = core_.template try_claim<detail::channel_end::push>();
        if (claimed != nullptr) {
            core_.push_into(*claimed, std::move(item));
        }
        return claimed != nullptr;
    }

    /// The same with a copy.
    bool try_push(const T& item) { return try_push(T(item)); }

    /// Pops an item if there is one, from ordinary code too.
    std::optional<T> try_pop() {
        auto* const claimed = core_.template try_claim<detail::channel_end::pop>();
        return claimed != nullptr ? std::optional<T>(core_.pop_from(*claimed)) : std::nullopt;
    }

    /// From now on nothing can be pushed, and who waits to push goes on. What is in it can still be
    /// popped. False if it was closed before.
    bool close() { return core_.close(); }

    /// Whether it is closed.
    bool is_closed() const noexcept { return core_.is_closed(); }

    /// How many it has room for.
    std::size_t capacity() const noexcept { return core_.capacity(); }

private:
    detail::channel_core<T> core_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/wait_queue.ipp"
#endif
