// SPDX-License-Identifier: MIT
#pragma once

// The inside of ../../channel.hpp: the ring, and who waits before it and behind it.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/spin_lock.hpp"
#include "bounded_ring.hpp"
#include "chain.hpp"
#include "chain_waits.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"
#include "wait_queue.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Moves items between the ring and those who wait.
///
/// Invariants  CHANNEL-1  Who is about to wait says so, and then looks once more at the ring; who
///                        has changed the ring, looks then whether somebody waits. One of them sees
///                        the other: by RING-6, and by RING-4 who closes it.
///             CHANNEL-2  Who sees somebody wait serves: under the lock, a cell is claimed for who
///                        has waited longest, and he leaves the queue. What is moved, is moved
///                        after that. Then he looks again, for that has changed the ring.
///             CHANNEL-3  Of a channel that is closed those go on with nothing who wait to push,
///                        and once it is drained, those who wait to pop. The last one to change it
///                        sees them by CHANNEL-1.
/// Source      tests/models/channel.pml
template <class T>
class channel_core {
    using ring = bounded_ring<T>;

public:
    using cell = typename ring::cell;

    explicit channel_core(std::size_t capacity) : items_(capacity) {}

    /// One that waits at an end, with the place of what it pushes or pops.
    struct wait : queued_wait {
        wait(channel_core& of, channel_end at, std::optional<T>& from_or_to) noexcept
            : queued_wait(of.line(at), of.lock_), place(from_or_to) {}

        std::optional<T>& place;
        cell* claimed = nullptr; ///< of one that need not wait
    };

    /// A cell for who need not wait, who then has to call push_into() or pop_from().
    template <channel_end At>
    [[gnu::always_inline]] cell* try_claim() noexcept {
        return items_.template try_claim<At>();
    }
    [[gnu::always_inline]] void push_into(cell& claimed, T&& item) {
        items_.fill(claimed, std::move(item));
        look_from_other_end<channel_end::push>();
    }
    [[gnu::always_inline]] T pop_from(cell& claimed) {
        T item(items_.take_from(claimed));
        look_from_other_end<channel_end::pop>();
        return item;
    }

    /// Whether `one` need not wait. Under the lock.
    bool is_served(wait& one, channel_end at) noexcept {
        items_.call_from(at); // CHANNEL-1
        one.claimed = items_.try_claim(at);
        const bool goes_on = one.claimed != nullptr || is_over(at);
        if (goes_on) {
            end_call_if_empty(at);
        }
        return goes_on;
    }

    bool close() {
        const bool is_news = items_.close();
        look_at(channel_end::push);
        look_at(channel_end::pop);
        return is_news;
    }

    bool is_closed() const noexcept { return items_.is_closed(); }
    bool is_drained() const noexcept { return items_.is_drained(); }
    std::size_t capacity() const noexcept { return items_.capacity(); }

private:
    wait_queue& line(channel_end end) noexcept {
        return end == channel_end::push ? pushes_ : pops_;
    }

    void end_call_if_empty(channel_end at) noexcept {
        if (line(at).is_empty() && items_.is_called_from(at)) {
            items_.end_call_from(at);
        }
    }

    /// Whether nobody waits there any more.
    bool is_over(channel_end at) const noexcept { // CHANNEL-3
        return at == channel_end::push ? items_.is_closed() : items_.is_drained();
    }

    void move(cell& claimed, channel_end at, std::optional<T>& place) noexcept {
        if (at == channel_end::push) {
            items_.fill(claimed, std::move(*place));
            place.reset();
        } else {
            place.emplace(items_.take_from(claimed));
        }
    }

    /// By who has changed the ring at the end At.
    template <channel_end At>
    [[gnu::always_inline]] void look_from_other_end() {
        asymmetric_barrier::light(); // RING-6
        look_at(At == channel_end::push ? channel_end::pop : channel_end::push);
    }

    void look_at(channel_end at) {
        if (items_.is_called_from(at)) [[unlikely]] { // CHANNEL-1
            serve();
        }
    }

    [[gnu::noinline]] void serve() {
        while (serve_one(channel_end::pop) || serve_one(channel_end::push)) { // CHANNEL-2
        }
    }

    bool serve_one(channel_end at) {
        queued_wait* served = nullptr;
        cell* claimed = nullptr;
        {
            const std::lock_guard held(lock_);
            wait_queue& its = line(at);
            if (!its.is_empty()) {
                claimed = items_.try_claim(at);
                if (claimed != nullptr) {
                    served = its.serve_first();
                } else if (is_over(at)) {
                    served = its.serve_all(); // CHANNEL-3
                }
            }
            end_call_if_empty(at);
        }
        if (claimed != nullptr) {
            move(*claimed, at, static_cast<wait&>(*served).place);
        }
        queued_wait::go_on_all(served);
        return served != nullptr;
    }

    ring items_;
    alignas(cache_line) wait_queue pushes_;
    wait_queue pops_;
    spin_lock lock_;
};

/// Waits at one end of a channel.
template <class T, channel_end At>
class channel_wait {
    using core = channel_core<T>;

public:
    channel_wait(chain& of, core& at) noexcept : of_(of), core_(at) {}
    channel_wait(chain& of, core& at, T&& item) noexcept
        : of_(of), core_(at), place_(std::move(item)) {}
    channel_wait(const channel_wait&) = delete;
    channel_wait& operator=(const channel_wait&) = delete;

    [[gnu::always_inline]] bool await_ready() {
        auto* const claimed = core_.template try_claim<At>();
        if (claimed != nullptr) [[likely]] {
            move_by(*claimed);
        }
        return claimed != nullptr;
    }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        wait_.emplace(core_, At, place_);
        of_.rest_at(
            waiting,
            [](chain& leaving, void* self) {
                auto& one = *static_cast<channel_wait*>(self);
                return one.wait_->leave(leaving,
                                        [&] { return one.core_.is_served(*one.wait_, At); });
            },
            this);
    }

    auto await_resume() {
        if (wait_) [[unlikely]] {
            end_wait();
        }
        if constexpr (At == channel_end::push) {
            return !place_;
        } else {
            // Moved as a whole it would be read before its parts are there, which takes time.
            return place_ ? std::optional<T>(std::move(*place_)) : std::nullopt;
        }
    }

private:
    [[gnu::always_inline]] void move_by(typename core::cell& claimed) {
        if constexpr (At == channel_end::push) {
            core_.push_into(claimed, std::move(*place_));
            place_.reset();
        } else {
            place_.emplace(core_.pop_from(claimed));
        }
    }

    [[gnu::noinline]] void end_wait() {
        if (!wait_->has_been_served()) {
            throw_cancelled();
        }
        if (wait_->claimed != nullptr) {
            move_by(*wait_->claimed);
        }
    }

    chain& of_;
    core& core_;
    std::optional<T> place_; ///< of what is pushed or popped
    std::optional<typename core::wait> wait_;
};

/// What a channel returns to be awaited.
template <class T, channel_end At>
class [[nodiscard]] channel_awaitable : public awaitable_in_chain_only {
public:
    explicit channel_awaitable(channel_core<T>& at) noexcept : at_(at), item_() {}
    channel_awaitable(channel_core<T>& at, T&& item) noexcept : at_(at), item_(std::move(item)) {}

private:
    friend await_access;
    channel_wait<T, At> awaiter_in(chain& of) && noexcept {
        if constexpr (At == channel_end::push) {
            return {of, at_, std::move(item_)};
        } else {
            return {of, at_};
        }
    }

    channel_core<T>& at_;
    std::conditional_t<At == channel_end::push, T, std::monostate> item_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
