// SPDX-License-Identifier: MIT
#pragma once

// How a coroutine waits for what somebody else's code settles, and how it is woken. foreign_wait.hpp
// and completion_state.hpp wait like that.

#include "abi.hpp"
#include "chain.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What an outside_event knows of who waits for it.
struct outside_waiter {};
inline constinit outside_waiter nobody_any_more{}; ///< only its address is used: it is settled

class outside_wait;

/// Something that is settled once, by somebody else's code, on any thread, and that a chain may wait
/// for. Shared by those who settle it and those who wait; the last of them deletes it.
///
/// Invariants  G1  waiter_ goes from null to the one who waits and from either to settled. Each step
///                 is an exchange, so it is one event that finds the other: settle() a chain that
///                 has come to rest, or leave() that it need not wait. Only who comes second may
///                 touch the chain.
///             G2  What it comes to is written by the one who has claimed it, before it is settled.
/// Orderings   G3  The exchanges acquire and release: whoever comes second sees all that the other
///                 wrote.
class outside_event {
public:
    outside_event() noexcept = default;
    outside_event(const outside_event&) = delete;
    outside_event& operator=(const outside_event&) = delete;

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    /// Whether the caller is to say what it comes to, and then to settle it: true for one caller. // G2
    bool try_claim() noexcept { return !is_claimed_.exchange(true, std::memory_order_relaxed); }

    /// Has the chain that waits continue. *this may be gone afterwards.
    inline void settle();

    /// That it waited for is gone: who waits is cancelled.
    void give_up() {
        if (try_claim()) {
            is_lost_ = true;
            settle();
        }
    }

    bool is_settled() const noexcept {
        return waiter_.load(std::memory_order_acquire) == &nobody_any_more; // G3
    }

    /// Once it is settled.
    bool is_lost() const noexcept { return is_lost_; }

protected:
    virtual ~outside_event() = default;

private:
    friend class outside_wait;

    std::atomic<outside_waiter*> waiter_{nullptr};
    std::atomic<std::uint32_t> users_{1};
    std::atomic<bool> is_claimed_{false};
    bool is_lost_ = false;
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
class outside_wait : outside_waiter {
public:
    outside_wait() noexcept = default;
    outside_wait(const outside_wait&) = delete;
    outside_wait& operator=(const outside_wait&) = delete;

    /// False if it is not to wait: the event has been settled, or another chain waits for it.
    bool leave(chain& waiting, outside_event& event) noexcept {
        chain_ = &waiting;
        scheduler* const on = waiting.settle_on_scheduler();
        if (on != nullptr) {
            on->keep_scheduler(); // until settle() has used it
        }
        outside_waiter* before = nullptr;
        if (event.waiter_.compare_exchange_strong(before, this, std::memory_order_acq_rel,
                                                  std::memory_order_acquire)) { // G1 G3
            return true;
        }
        has_rival_ = before != &nobody_any_more;
        if (on != nullptr) {
            on->release_scheduler();
        }
        return false;
    }

    /// Whether it did not wait because another one does.
    bool has_rival() const noexcept { return has_rival_; }

private:
    friend class outside_event;

    /// *this may be gone afterwards.
    void end() {
        chain& resumed = *chain_;
        scheduler* const on = resumed.on();
        if (on == nullptr || !on->resume_soon(resumed)) {
            chain::abandon(resumed, "its executor closed while it waited for something else");
        }
        if (on != nullptr) {
            on->release_scheduler();
        }
    }

    chain* chain_ = nullptr;
    bool has_rival_ = false;
};

inline void outside_event::settle() {
    outside_waiter* const waiting =
        waiter_.exchange(&nobody_any_more, std::memory_order_acq_rel); // G1 G3
    if (waiting != nullptr) {
        static_cast<outside_wait*>(waiting)->end();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
