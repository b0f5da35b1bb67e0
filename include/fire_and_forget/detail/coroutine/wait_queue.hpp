// SPDX-License-Identifier: MIT
#pragma once

// How coroutines wait for each other in a queue, until one of them, or ordinary code, has what they
// wait for. permits.hpp and countdown.hpp are made of this.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/spin_lock.hpp"
#include "../platform/stop_callback.hpp"
#include "chain.hpp"
#include "chain_waits.hpp"
#include "known_wait.hpp"
#include "thrown.hpp"

#include <coroutine>
#include <cstdint>
#include <optional>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class queued_wait;

/// Coroutines that wait, first come, first served. What one waits for is the owner's affair, and so
/// is the lock: all is done under it.
class wait_queue {
public:
    bool is_empty() const noexcept { return first_ == nullptr; }

    /// Serves the first one, which is the caller's from then on: once the lock is released, it has
    /// to be given what it waits for, and to go on. Null if there is none.
    queued_wait* serve_first() noexcept;

    /// Serves all; a list for go_on_all().
    queued_wait* serve_all() noexcept;

private:
    friend class queued_wait;

    void add(queued_wait& last) noexcept;
    void remove(queued_wait& gone) noexcept;

    queued_wait* first_ = nullptr;
    queued_wait* last_ = nullptr;
};

/// One wait in a queue, from which a stop request or its executor's end takes it as well.
///
/// Invariants  QUEUE-1  What it comes to changes under the queue's lock, and once: it is served, or
///                      stopped. Who does that has the chain. So nothing is given to one that is
///                      cancelled, and who was served goes on with that, asked to stop or not.
///             QUEUE-2  The books' lock is the outer one: one that waits is on both lists, and who
///                      serves or stops it passes the books before it goes on. So whoever closes
///                      finds all that wait.
///             QUEUE-3  No code of users runs under the lock, nor does a coroutine go on.
class queued_wait : public known_wait {
public:
    queued_wait(wait_queue& in, spin_lock& lock) noexcept;

    /// The departure of its stretch. `is_served` is asked under the lock whether it need not wait,
    /// for it has been given what it came for.
    bool leave(chain& waiting, function_ref<bool()> is_served) noexcept;

    /// After the wait; false if that was cancelled.
    bool has_been_served() noexcept;

    /// What is on a list that serve_all() has made, or one by one.
    static void go_on_all(queued_wait* first);

    queued_wait* behind = nullptr; ///< of the queue, or of such a list

private:
    friend class wait_queue;

    enum class outcome : std::uint8_t { none, served, stopped };

    struct stopper {
        queued_wait* of;
        void operator()() const {
            if (of->try_stop()) {
                of->go_on(continuation::by_executor);
            }
        }
    };

    /// Whether the chain is the caller's.
    bool try_stop() noexcept;

    wait_queue& queue_;
    spin_lock& lock_;
    queued_wait* previous_ = nullptr;
    bool is_listed_ = false;
    outcome came_to_ = outcome::none;
    std::optional<stop_callback<stopper>> on_stop_;
};

/// Waits for what a Core gives, which has under its lock_ the queue waiting_: by try_take() at
/// once, by take() under the lock, and by serving the queue; give_back() takes what comes too late.
template <class Core>
class queue_wait {
public:
    queue_wait(chain& of, Core& core) noexcept : of_(of), core_(core) {}
    queue_wait(const queue_wait&) = delete;
    queue_wait& operator=(const queue_wait&) = delete;

    /// One that was served and does not go on, for it was destroyed.
    ~queue_wait() {
        if (wait_ && wait_->has_been_served()) {
            core_.give_back();
        }
    }

    bool await_ready() noexcept { return core_.try_take(); }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        wait_.emplace(core_.waiting_, core_.lock_);
        of_.rest_at(
            waiting,
            [](chain& leaving, void* self) {
                auto& wait = *static_cast<queue_wait*>(self);
                return wait.wait_->leave(leaving, [&] { return wait.core_.take(); });
            },
            this);
    }

    void await_resume() { static_cast<void>(take()); }

protected:
    /// What it waited for; null if it was cancelled, where that can't be thrown.
    Core* take() {
        const bool is_cancelled = wait_ && !wait_->has_been_served();
        wait_.reset();
        if (is_cancelled) {
            throw_cancelled();
        }
        return is_cancelled ? nullptr : &core_;
    }

private:
    chain& of_;
    Core& core_;
    std::optional<queued_wait> wait_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
