// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/reentry.hpp"
#include "../platform/time.hpp"
#include "../task/asked_list.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "../task/timer_order.hpp"
#include "timer_queue.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool is_awaited(const timer_node& item) noexcept {
    return item.is_resumption || !static_cast<const task_node&>(item).repeats();
}

FIRE_AND_FORGET_ENGINE bool is_asked_to_stop(const timer_node& item) {
    if (item.is_resumption) {
        return static_cast<const suspended&>(item).wants_to_stop();
    }
    const task_details* const details = static_cast<const task_node&>(item).details;
    return details != nullptr && details->stop.stop_requested();
}

FIRE_AND_FORGET_ENGINE watched& watch_of(const timer_node& item) noexcept {
    return item.is_resumption ? *static_cast<const suspended&>(item).watch
                              : *static_cast<const task_node&>(item).details->watch;
}

FIRE_AND_FORGET_ENGINE bool timer_queue::push(timer_node& item) noexcept {
    if (item.is_watched) {
        arm(item);
    }
    std::atomic<std::uint64_t>& accepted = counts_of(item).accepted;
    accepted.fetch_add(1, std::memory_order_relaxed); // TIMERS-2
    timer_node* top = intake_.load(std::memory_order_relaxed);
    do {
        if (top == &closed_) { // TIMERS-1
            accepted.fetch_sub(1, std::memory_order_relaxed);
            disarm(item);
            return false;
        }
        item.next = top;
        stress_point();
    } while (!intake_.compare_exchange_weak(top, &item)); // TIMERS-5 TIMERS-6
    return true;
}

FIRE_AND_FORGET_ENGINE std::uint64_t timer_queue::sleepers() const noexcept {
    return sleeping_.accepted.load(std::memory_order_relaxed);
}

FIRE_AND_FORGET_ENGINE std::uint64_t timer_queue::accepted() const noexcept {
    return awaited_.accepted.load(std::memory_order_relaxed) +
           repeated_.accepted.load(std::memory_order_relaxed);
}

FIRE_AND_FORGET_ENGINE std::uint64_t timer_queue::gone() const noexcept {
    return awaited_.gone.load(std::memory_order_relaxed) +
           repeated_.gone.load(std::memory_order_relaxed);
}

FIRE_AND_FORGET_ENGINE bool timer_queue::has_news() const noexcept { // TIMERS-6
    const timer_node* const top = intake_.load();
    return (top != nullptr && top != &closed_) || wants_look_.load();
}

FIRE_AND_FORGET_ENGINE bool timer_queue::ask(watched& one) noexcept {
    const bool is_new = asked_.ask(one);
    if (is_new) {
        request_look();
    }
    return is_new;
}

FIRE_AND_FORGET_ENGINE void timer_queue::close() noexcept {
    const library_lock lock(mutex_);
    if (!is_closed_) {
        is_closed_ = true;
        keep_all(intake_.exchange(&closed_)); // TIMERS-1
    }
}

FIRE_AND_FORGET_ENGINE bool timer_queue::counts::has_any() const noexcept {
    const std::uint64_t gone_by_now = gone.load(std::memory_order_acquire);
    return gone_by_now != accepted.load(std::memory_order_acquire);
}

FIRE_AND_FORGET_ENGINE timer_queue::counts&
timer_queue::counts_of(const timer_node& item) noexcept {
    return item.is_resumption ? sleeping_ : is_awaited(item) ? awaited_ : repeated_;
}

FIRE_AND_FORGET_ENGINE void timer_queue::collect() noexcept {
    keep_all(std::exchange(spilled_, nullptr));
    if (!is_closed_) {
        keep_all(intake_.exchange(nullptr)); // TIMERS-5
    }
}

FIRE_AND_FORGET_ENGINE void timer_queue::keep_all(timer_node* stack) noexcept {
    timer_node* oldest = nullptr;
    while (stack != nullptr) {
        timer_node* const below = std::exchange(stack->next, oldest);
        oldest = std::exchange(stack, below);
    }
    while (oldest != nullptr) {
        timer_node& item = *std::exchange(oldest, oldest->next);
        if (!waiting_.try_push(item)) {
            spill(item);
        }
    }
}

FIRE_AND_FORGET_ENGINE void timer_queue::spill(timer_node& item) noexcept { // TIMERS-3
    item.next = std::exchange(spilled_, &item);
}

FIRE_AND_FORGET_ENGINE void timer_queue::arm(timer_node& item) noexcept { // TIMERS-4
    asked_.arm(watch_of(item));
    if (is_asked_to_stop(item)) {
        ask(watch_of(item));
    }
}

FIRE_AND_FORGET_ENGINE void timer_queue::disarm(const timer_node& item) noexcept { // TIMERS-4
    if (item.is_watched) {
        asked_.disarm(watch_of(item));
    }
}

FIRE_AND_FORGET_ENGINE steady_time timer_queue::serve(steady_time now, unsigned most,
                                                      function_ref<bool(timer_node&)> store) {
    const inside_library serving;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) {
        std::this_thread::yield();
        return later(now, retry);
    }
    has_asked_ = wants_look_.exchange(false) || has_asked_; // TIMERS-7
    stress_point();
    collect();
    bool has_room = true;
    for (unsigned i = 0; i < most && has_room; ++i) {
        timer_node* const item = waiting_.pop_due(now);
        if (item == nullptr) {
            break;
        }
        disarm(*item);
        has_room = hand_out(*item, store);
    }
    bool may_be_asked = has_asked_;
    for (unsigned i = 0; i < most && has_room && may_be_asked; ++i) {
        timer_node* const item = asked_.take_from_heap();
        may_be_asked = item != nullptr;
        if (item != nullptr) {
            waiting_.remove(*item);
            item->due = earlier_of(item->due, now);
            has_room = hand_out(*item, store);
        }
    }
    has_asked_ = may_be_asked || spilled_ != nullptr;
    const steady_time next = may_be_asked ? now : waiting_.next_due();
    return spilled_ == nullptr ? next : earlier_of(next, later(now, retry));
}

FIRE_AND_FORGET_ENGINE void timer_queue::make_due(steady_time now,
                                                  function_ref<bool(timer_node&)> is_it) {
    const library_lock lock(mutex_);
    const auto hasten = [&](timer_node& item) {
        const bool is_early = now < item.due && is_it(item);
        item.due = is_early ? now : item.due;
        return is_early;
    };
    collect();
    for (timer_node* item = spilled_; item != nullptr; item = item->next) {
        hasten(*item);
    }
    keep_all(waiting_.remove_if(hasten));
}

FIRE_AND_FORGET_ENGINE timer_node*
timer_queue::take_latest_if(function_ref<bool(timer_node&)> is_it, function_ref<void()> note) {
    const library_lock lock(mutex_);
    collect();
    timer_node* const taken = waiting_.take_latest_if(is_it);
    if (taken != nullptr) {
        disarm(*taken);
        note();
        counts_of(*taken).gone.fetch_add(1, std::memory_order_release);
    }
    return taken;
}

FIRE_AND_FORGET_ENGINE timer_node* timer_queue::take_if(function_ref<bool(timer_node&)> is_it) {
    const library_lock lock(mutex_);
    collect();
    timer_node* taken = waiting_.remove_if(is_it);
    for (timer_node* item = std::exchange(spilled_, nullptr); item != nullptr;) {
        timer_node* const next = item->next;
        timer_node*& list = is_it(*item) ? taken : spilled_;
        item->next = std::exchange(list, item);
        item = next;
    }
    for (const timer_node* item = taken; item != nullptr; item = item->next) {
        disarm(*item);
        counts_of(*item).gone.fetch_add(1, std::memory_order_release);
    }
    return taken;
}

FIRE_AND_FORGET_ENGINE bool timer_queue::hand_out(timer_node& item,
                                                  function_ref<bool(timer_node&)> store) {
    counts& its = counts_of(item); // it may be gone when it is stored
    const bool is_stored = store(item);
    if (is_stored) {
        its.gone.fetch_add(1, std::memory_order_release); // TIMERS-2
    } else {
        spill(item);
    }
    return is_stored;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
