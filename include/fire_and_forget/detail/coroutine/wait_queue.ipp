// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/spin_lock.hpp"
#include "../task/coroutine_books.hpp"
#include "chain.hpp"
#include "known_wait.hpp"
#include "wait_queue.hpp"

#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void wait_queue::add(queued_wait& last) noexcept {
    last.previous_ = std::exchange(last_, &last);
    (last.previous_ != nullptr ? last.previous_->behind : first_) = &last;
    last.is_listed_ = true;
}

FIRE_AND_FORGET_ENGINE void wait_queue::remove(queued_wait& gone) noexcept {
    (gone.previous_ != nullptr ? gone.previous_->behind : first_) = gone.behind;
    (gone.behind != nullptr ? gone.behind->previous_ : last_) = gone.previous_;
    gone.behind = nullptr;
    gone.is_listed_ = false;
}

FIRE_AND_FORGET_ENGINE queued_wait* wait_queue::serve_first() noexcept {
    queued_wait* const served = first_;
    if (served != nullptr) {
        remove(*served);
        served->came_to_ = queued_wait::outcome::served; // QUEUE-1
    }
    return served;
}

FIRE_AND_FORGET_ENGINE queued_wait* wait_queue::serve_all() noexcept {
    for (queued_wait* one = first_; one != nullptr; one = one->behind) {
        one->is_listed_ = false;
        one->came_to_ = queued_wait::outcome::served; // QUEUE-1
    }
    last_ = nullptr;
    return std::exchange(first_, nullptr);
}

FIRE_AND_FORGET_ENGINE queued_wait::queued_wait(wait_queue& in, spin_lock& lock) noexcept
    : queue_(in), lock_(lock) {
    try_take = [](wait_entry& self) noexcept { return static_cast<queued_wait&>(self).try_stop(); };
    give_up = [](wait_entry& self) { return self.coroutine->destroy(); };
    stop = [](wait_entry& self) {
        static_cast<queued_wait&>(self).go_on(continuation::by_executor);
    };
}

FIRE_AND_FORGET_ENGINE bool queued_wait::leave(chain& waiting,
                                               function_ref<bool()> is_served) noexcept {
    scheduler* const before = waiting.on();
    const stop_token own = waiting.own_token();
    if (waiting.is_asked_to_stop()) {
        return false;
    }
    if (own.stop_possible()) {
        on_stop_.emplace(own, stopper{this});
    }
    if (!depart(waiting)) {
        return false;
    }
    const bool waits = enter(waiting, [&] { // QUEUE-2
        const std::lock_guard held(lock_);
        if (came_to_ == outcome::none && is_served()) {
            came_to_ = outcome::served; // QUEUE-1
        }
        if (came_to_ == outcome::none) {
            queue_.add(*this);
        }
        return is_listed_;
    });
    if (!waits) {
        stay(waiting, before);
    }
    return waits;
}

FIRE_AND_FORGET_ENGINE bool queued_wait::has_been_served() noexcept {
    on_stop_.reset(); // from here on nobody else is here
    return came_to_ == outcome::served;
}

FIRE_AND_FORGET_ENGINE bool queued_wait::try_stop() noexcept {
    const std::lock_guard held(lock_);
    const bool is_mine = is_listed_;
    if (is_mine) {
        queue_.remove(*this);
    }
    if (came_to_ == outcome::none) {
        came_to_ = outcome::stopped; // QUEUE-1
    }
    return is_mine;
}

FIRE_AND_FORGET_ENGINE void queued_wait::go_on_all(queued_wait* first) {
    while (first != nullptr) {
        std::exchange(first, first->behind)->go_on(continuation::by_executor); // QUEUE-2
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
