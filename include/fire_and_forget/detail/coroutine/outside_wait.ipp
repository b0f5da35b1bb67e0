// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../task/scheduler.hpp"
#include "chain.hpp"
#include "outside_wait.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void outside_event::release() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

FIRE_AND_FORGET_ENGINE void outside_event::give_up() {
    if (try_claim()) {
        is_lost_ = true;
        settle();
    }
}

FIRE_AND_FORGET_ENGINE bool outside_event::is_settled() const noexcept {
    return waiter_.load(std::memory_order_acquire) == &nobody_any_more; // WAIT-4
}

FIRE_AND_FORGET_ENGINE bool outside_event::change_waiter(outside_waiter*& from,
                                                         outside_waiter* to) noexcept {
    return waiter_.compare_exchange_strong(from, to, std::memory_order_acq_rel, // WAIT-4
                                           std::memory_order_acquire);
}

FIRE_AND_FORGET_ENGINE outside_wait::outside_wait(frames kind, continuation how) noexcept
    : how_(how) {
    try_take = [](wait_entry& self) noexcept {
        auto& wait = static_cast<outside_wait&>(self);
        outside_waiter* before = &wait;
        return wait.event_->change_waiter(before, &somebody_lost); // WAIT-1
    };
    give_up = kind == frames::own ? &destroy_now : &destroy_when_settled;
}

FIRE_AND_FORGET_ENGINE bool outside_wait::leave(chain& waiting, outside_event& event) noexcept {
    scheduler* const before = waiting.on();
    if (event_ == nullptr) { // else who asks it to stop may look there
        event_ = &event;
    }
    if (!depart(waiting)) {
        return false;
    }
    const bool has_left = enter(waiting, [&] { // WAIT-3
        outside_waiter* found = nullptr;
        const bool is_first = event.change_waiter(found, this); // WAIT-1
        has_rival_ = !is_first && found != &nobody_any_more;
        if (!is_first || !on_stop_) {
            return is_first;
        }
        full_fence(); // WAIT-5
        outside_waiter* mine = this;
        if (stop_.stop_requested() && event.change_waiter(mine, nullptr)) {
            is_stopped_ = true;
            return false;
        }
        return true; // it may have been settled or stopped: that waits for the lock
    });
    if (!has_left) {
        if (is_refused() && give_up == &destroy_when_settled) {
            return leave_given_up(waiting, before);
        }
        stay(waiting, before);
    }
    return has_left;
}

FIRE_AND_FORGET_ENGINE bool outside_wait::leave_given_up(chain& waiting, scheduler* before) {
    outside_waiter* nobody = nullptr;
    const bool is_given_up = event_->change_waiter(nobody, &somebody_lost);
    if (is_given_up) {
        scheduler* const departed_to = kept;
        waiting.is_abandoned = true;
        give_up(*this); // *this may be gone now
        departed_to->release_scheduler();
    } else { // it has been settled meanwhile
        is_refused_ = false;
        stay(waiting, before);
    }
    return is_given_up;
}

FIRE_AND_FORGET_ENGINE void outside_wait::end_on_stop_of(chain& waiting, outside_event& event) {
    stop_ = waiting.own_token();
    if (stop_.stop_possible()) {
        coroutine = &waiting;
        event_ = &event;
        on_stop_.emplace(stop_, stopper{this});
    }
}

FIRE_AND_FORGET_ENGINE bool outside_wait::has_been_stopped() noexcept {
    on_stop_.reset();
    return is_stopped_;
}

FIRE_AND_FORGET_ENGINE void outside_wait::stop() {
    full_fence(); // WAIT-5
    outside_waiter* mine = this;
    if (event_->change_waiter(mine, nullptr)) {
        is_stopped_ = true;
        go_on(continuation::by_executor); // WAIT-3
    }
}

FIRE_AND_FORGET_ENGINE bool outside_wait::destroy_now(wait_entry& self) {
    auto& wait = static_cast<outside_wait&>(self);
    outside_waiter* lost = &somebody_lost;
    wait.event_->change_waiter(lost, nullptr); // others may wait for it
    return wait.coroutine->destroy();
}

FIRE_AND_FORGET_ENGINE bool outside_wait::destroy_when_settled(wait_entry& self) {
    auto& wait = static_cast<outside_wait&>(self);
    auto& its = static_cast<chain&>(*wait.coroutine);
    const bool is_news = its.give_up();
    wait.event_->lost_ = &its;
    outside_waiter* lost = &somebody_lost;
    if (!wait.event_->change_waiter(lost, &somebody_late)) { // it has been settled by now
        its.destroy();
    }
    return is_news;
}

FIRE_AND_FORGET_ENGINE void outside_event::settle() {
    outside_waiter* const found =
        waiter_.exchange(&nobody_any_more, std::memory_order_acq_rel); // WAIT-1 WAIT-4
    if (found == &somebody_late) {
        lost_->destroy();
    } else if (found != nullptr && found != &somebody_lost) {
        auto& wait = *static_cast<outside_wait*>(found);
        wait.go_on(wait.how_); // WAIT-3
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
