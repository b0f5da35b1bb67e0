// SPDX-License-Identifier: MIT
#pragma once

// How a coroutine waits for what somebody else's code settles, and how it is woken.
// foreign_wait.hpp and completion_state.hpp wait like that.

#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/stop_callback.hpp"
#include "../platform/stop_token.hpp"
#include "../task/coroutine_books.hpp"
#include "chain.hpp"
#include "known_wait.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What an outside_event knows of who waits for it.
struct outside_waiter {};
inline constinit outside_waiter nobody_any_more{}; ///< it is settled
inline constinit outside_waiter somebody_lost{};   ///< who waited is being given up
inline constinit outside_waiter
    somebody_late{}; ///< the same, and is to be destroyed when it is settled

class outside_wait;

/// Something that is settled once, by somebody else's code, on any thread, and that a chain may
/// wait for. Shared by those who settle it and those who wait; the last of them deletes it.
///
/// Invariants  WAIT-1  waiter_ says who has the chain. Each step is an exchange, so one event finds
///                     the other: settle() a chain that has come to rest, leave() that it need not
///                     wait, and whoever closes its executor that it is being woken. Who finds the
///                     chain has it.
///             WAIT-2  What it comes to is written by the one who has claimed it,
///                     before it is settled.
///             WAIT-3  leave() and whoever closes take their steps under the lock of the executor's
///                     books, and settle() passes that lock before it touches the wait. So a wait
///                     that is on the list is there, and none comes onto it when
///                     that has been closed.
///             WAIT-5  Who asks it to stop takes it from the event as who closes does, but then
///                     others may wait for that. It enters itself, fences and looks whether it was
///                     asked; who asks has said so, fences and looks for it: one sees the other.
/// Orderings   WAIT-4  The exchanges acquire and release: whoever comes second sees all that the
///                     other wrote.
/// Source      tests/models/outside.pml
class outside_event {
public:
    outside_event() noexcept = default;
    outside_event(const outside_event&) = delete;
    outside_event& operator=(const outside_event&) = delete;

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

    /// Whether the caller is to say what it comes to, and then to settle it: true for one
    /// caller. // WAIT-2
    bool try_claim() noexcept { return !is_claimed_.exchange(true, std::memory_order_relaxed); }

    /// Has the chain that waits continue. *this may be gone afterwards.
    void settle();

    /// That it waited for is gone: who waits is cancelled.
    void give_up();

    bool is_settled() const noexcept;

    /// Once it is settled.
    bool is_lost() const noexcept { return is_lost_; }

protected:
    virtual ~outside_event() = default;

private:
    friend class outside_wait;

    /// False if it is not `from`; then `from` is what it is.
    bool change_waiter(outside_waiter*& from, outside_waiter* to) noexcept;

    std::atomic<outside_waiter*> waiter_{nullptr};
    std::atomic<std::uint32_t> users_{1};
    std::atomic<bool> is_claimed_{false};
    bool is_lost_ = false;
    chain* lost_ = nullptr; ///< with somebody_late
};

/// The event, for one of those who share it.
class event_user {
public:
    explicit event_user(outside_event& of) noexcept : of_(&of) { of.keep(); }
    ~event_user() { of_->release(); }
    event_user(const event_user&) = delete;
    event_user& operator=(const event_user&) = delete;

private:
    outside_event* of_;
};

/// One wait of a chain for an event. Lives in the frame of the coroutine that waits.
class outside_wait : public known_wait, outside_waiter {
public:
    /// Who else may touch the frames of the chain while it waits.
    enum class frames : std::uint8_t { own, shared };

    explicit outside_wait(frames kind, continuation how = continuation::by_executor) noexcept;

    /// False if it is not to wait: the event has been settled, another chain waits for it, or the
    /// executor is closed.
    bool leave(chain& waiting, outside_event& event) noexcept;

    /// Why it did not wait: because another one does.
    bool has_rival() const noexcept { return has_rival_; }

    /// Before leave(): it also ends when the token of `waiting` is asked to stop. Frames of its own
    /// only. // WAIT-5
    void end_on_stop_of(chain& waiting, outside_event& event);

    /// After the wait; whether that has ended it.
    bool has_been_stopped() noexcept;

private:
    friend class outside_event;

    struct stopper {
        outside_wait* of;
        void operator()() const { of->stop(); }
    };

    /// Takes the chain from the event, and has it go on. *this may be gone afterwards.
    void stop();

    /// It can't go on here, nor unwind as long as others may touch its frames.
    bool leave_given_up(chain& waiting, scheduler* before);

    static bool destroy_now(wait_entry& self);

    static bool destroy_when_settled(wait_entry& self);

    outside_event* event_ = nullptr;
    const continuation how_;
    bool has_rival_ = false;
    bool is_stopped_ = false;
    stop_token stop_;
    std::optional<stop_callback<stopper>> on_stop_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
