// SPDX-License-Identifier: MIT
#pragma once

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/alarm_clock.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/time.hpp"
#include "errands.hpp"
#include "keeper.hpp"
#include "thread_start.hpp"

#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool keeper::enlist(ward& fresh) noexcept {
    const library_lock lock(mutex_);
    if (std::exchange(fresh.is_enlisted_, true)) {
        return false;
    }
    fresh.next_ = first_;
    first_ = &fresh;
    return true;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void keeper::strike_off(ward& gone) noexcept {
    const library_lock lock(mutex_);
    unlink(gone);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool keeper::dismiss(ward& gone) noexcept {
    const inside_library dismissing;
    std::unique_lock lock(mutex_);
    unlink(gone);
    if (id_ != std::this_thread::get_id()) {
        constexpr std::chrono::seconds patience{5}; // who starts it may have been stopped
        const steady_time end = deadline_after(patience);
        for (slices wait;
             first_ == nullptr && thread_.load() != presence::none && steady_clock::now() < end;) {
            wait.next(gone_, lock, end);
            alarm_.insist();
        }
        lock.unlock();
        library_threads::instance().join_left(this);
        lock.lock();
    }
    return first_ == nullptr;
}

FIRE_AND_FORGET_ENGINE void keeper::notice_activity() {
    full_fence(); // KEEPER-1
    if (is_parked_.load(std::memory_order_relaxed)) [[unlikely]] {
        wants_ticks_.store(true);
        static_cast<void>(wake({}));
        alarm_.insist(); // a worker that was not rung for is the only one who tells the keeper
    }
}

FIRE_AND_FORGET_ENGINE void keeper::notice_ring() noexcept {
    full_fence(); // KEEPER-1
    if (is_parked_.load(std::memory_order_relaxed) && has_thread()) [[unlikely]] {
        wants_ticks_.store(true);
        alarm_.call();
    }
}

FIRE_AND_FORGET_ENGINE thread_trouble keeper::notice_deadline(const call_site& where) {
    thread_trouble trouble = wake(where);
    alarm_.insist(); // in an idle program nobody would find out that the call was lost
    return trouble;
}

FIRE_AND_FORGET_ENGINE void keeper::insist() {
    if (has_thread()) {
        alarm_.insist();
    } else {
        static_cast<void>(start({})); // whoever fires finds out if there are no threads at all
    }
}

FIRE_AND_FORGET_ENGINE thread_trouble keeper::wake(const call_site& where) {
    if (!has_thread()) {
        return start(where);
    }
    alarm_.call();
    return {};
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE thread_trouble keeper::start(const call_site& where) {
    presence expected = presence::none;
    if (!thread_.compare_exchange_strong(expected, presence::starting)) {
        return {}; // by somebody else
    }
    thread_trouble trouble;
    bool is_started = false;
    if (pause_.is_over()) {
        std::exception_ptr why;
        is_started = start_thread([](void* self, void*) { static_cast<keeper*>(self)->live(); },
                                  this, nullptr, why);
        if (!is_started) {
            // Pools get by without; whoever fires finds out if there are no threads at all.
            trouble = pause_.begin(where, std::move(why));
        }
    }
    if (is_started) {
        pause_.end();
    } else {
        thread_.store(presence::none);
    }
    return trouble;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void keeper::live() {
    thread_.store(presence::there); // KEEPER-3
    this_thread.is_keeper = true;
    name_this_thread("faf/keeper");
    wake_up_on_time();
    asymmetric_barrier::prepare();
    std::unique_lock lock(mutex_);
    id_ = std::this_thread::get_id();
    for (unsigned idle = 0; first_ != nullptr;) {
        const std::uint32_t seen = alarm_.calls(); // ALARM-1
        if (wants_ticks_.exchange(false)) {
            is_parked_.store(false, std::memory_order_relaxed);
            idle = 0;
        }
        gets_up_.store((steady_time::min)());
        const steady_time next_look = look_after_signals(lock);
        ward::visit all = look_after_all(lock);
        idle = all.is_active ? 0 : idle + 1;
        if (idle >= idle_rounds && !is_parked_.load(std::memory_order_relaxed)) {
            is_parked_.store(true, std::memory_order_relaxed);
            full_fence(); // KEEPER-1
            all = look_after_all(lock);
        }
        if (all.is_active) {
            is_parked_.store(false, std::memory_order_relaxed);
            idle = 0;
        }
        if (!is_parked_.load(std::memory_order_relaxed)) {
            all.next = earlier_of(all.next, deadline_after(tick));
        }
        all.next = earlier_of(all.next, next_look);
        gets_up_.store(all.next); // KEEPER-2
        if (first_ != nullptr && !has_news()) {
            lock.unlock();
            sleep(seen, all.next);
            lock.lock();
        }
    }
    library_threads::instance().leave(); // JOIN-1
    id_ = {};
    is_parked_.store(true, std::memory_order_relaxed); // who enlists sees it by the mutex
    gets_up_.store(never);
    thread_.store(presence::none); // KEEPER-3
    gone_.notify_all();
}

/// Gets up a little early, if it can, for what waits for its time is not to be late. What is due
/// already is not worth a system call, and the loop has an end even where the clock stands still.
FIRE_AND_FORGET_ENGINE void keeper::sleep(std::uint32_t seen, steady_time due) noexcept {
    constexpr unsigned most_looks = 1000;
    steady_time now = steady_clock::now();
    if (due <= now) {
        return;
    }
    const steady_time asked = due == never ? never : due - before_due_.length();
    if (now < asked) {
        alarm_.sleep(seen, asked);
        now = steady_clock::now();
        if (asked <= now) {
            before_due_.note(now - asked);
        }
    }
    for (unsigned i = 0; i < most_looks && asked <= now && now < due; ++i) {
        cpu_relax();
        now = alarm_.calls() == seen ? steady_clock::now() : due;
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void keeper::unlink(ward& gone) noexcept {
    if (std::exchange(gone.is_enlisted_, false)) {
        ward** link = &first_;
        while (*link != &gone) {
            link = &(*link)->next_;
        }
        *link = gone.next_;
        if (first_ == nullptr) {
            alarm_.call();
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE steady_time
keeper::look_after_signals(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    const steady_time again = signal_heir::instance().look(steady_clock::now());
    lock.lock();
    return again;
}

FIRE_AND_FORGET_ENGINE bool keeper::has_news() const noexcept {
    const ward* one = first_;
    while (one != nullptr && (one->is_ending_ || !one->has_news())) {
        one = one->next_;
    }
    return one != nullptr;
}

FIRE_AND_FORGET_ENGINE ward::visit keeper::look_after_all(std::unique_lock<std::mutex>& lock) {
    ++round_;
    ward::visit all;
    if (errands::instance().is_any_left()) {
        errands::instance().start();
        all.is_active = errands::instance().is_any_left();
    }
    while (ward* const one = next_ward()) {
        lock.unlock();
        const ward::visit its = one->look_after(steady_clock::now());
        one->let_go();
        lock.lock();
        all.next = earlier_of(all.next, its.next);
        all.is_active = all.is_active || its.is_active;
    }
    return all;
}

FIRE_AND_FORGET_ENGINE ward* keeper::next_ward() noexcept {
    for (ward* one = first_; one != nullptr; one = one->next_) {
        if (std::exchange(one->round_, round_) == round_) {
            continue;
        }
        one->is_ending_ = !one->try_hold();
        if (!one->is_ending_) {
            return one;
        }
    }
    return nullptr;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
