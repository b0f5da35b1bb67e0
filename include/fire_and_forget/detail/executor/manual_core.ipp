// SPDX-License-Identifier: MIT
#pragma once

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../../time_span.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../queue/timer_queue.hpp"
#include "../task/host.hpp"
#include "../task/resumption.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "../task/timer_order.hpp"
#include "abandoned_tasks.hpp"
#include "manual_core.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE std::uint64_t new_seed() {
    return std::random_device()();
}

FIRE_AND_FORGET_ENGINE void tell_seed(std::uint64_t seed) {
    const std::string line =
        "[fire_and_forget] the order was faf::testing::shuffled(" + std::to_string(seed) + ")\n";
    write_stderr(line.data(), line.size());
}

FIRE_AND_FORGET_ENGINE manual_core::~manual_core() {
    const auto give_up_next = [this] {
        timer_node* const item = take_any();
        if (item == nullptr) {
            return false;
        }
        if (item->is_resumption) {
            abandon(static_cast<suspended&>(*item));
            return true;
        }
        task_ptr task(static_cast<task_node*>(item));
        const bool repeats = task->repeats(); // then it ends with its executor
        drop_task(std::move(task), host_, repeats ? failure::cancelled : failure::abandoned,
                  "its executor was destroyed without running it");
        return true;
    };
    const abandonment under_way(give_up_next);
    abandon_waits();
    while (give_up_next()) {
    }
}

FIRE_AND_FORGET_ENGINE refusal manual_core::accept(task_ptr& task) noexcept {
    task->begin_waiting(now());
    const library_lock lock(mutex_);
    if (!task->is_delayed) {
        add_ready(*task.release());
        return refusal::none;
    }
    if (!timers_.try_push(*task)) {
        return refusal::out_of_memory;
    }
    static_cast<void>(task.release());
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE bool manual_core::run_one() {
    timer_node* const next = take();
    if (next == nullptr) {
        return false;
    }
    run(*next);
    return true;
}

FIRE_AND_FORGET_ENGINE std::size_t manual_core::run_all() {
    std::size_t runs = 0;
    while (run_one()) {
        ++runs;
    }
    return runs;
}

FIRE_AND_FORGET_ENGINE std::size_t manual_core::advance(time_span step) {
    const steady_time end = earlier_of(later(now(), step), never - std::chrono::nanoseconds(1));
    if (inside_a_task_of(&host_)) {
        move_to(end);
        return 0;
    }
    std::size_t runs = run_all();
    for (steady_time due = next_due(); due <= end; due = next_due()) {
        move_to(due);
        runs += run_all();
    }
    move_to(end);
    return runs;
}

FIRE_AND_FORGET_ENGINE std::size_t manual_core::pending() const {
    const library_lock lock(mutex_);
    return ready_count_ + timers_.size() + spilled_count_ + books.waiting();
}

FIRE_AND_FORGET_ENGINE refusal manual_core::start_turn(suspended& turn) noexcept {
    resume_soon(turn);
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE refusal manual_core::start_coroutine(suspended& one) {
    resume_soon(one);
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE bool manual_core::resume_soon(suspended& one) noexcept {
    const library_lock lock(mutex_);
    add_ready(one);
    return true;
}

FIRE_AND_FORGET_ENGINE bool manual_core::resume_at(suspended& one) noexcept {
    const library_lock lock(mutex_);
    return timers_.try_push(one);
}

FIRE_AND_FORGET_ENGINE helped manual_core::help(reach, function_ref<bool()> is_over) {
    while (!is_over() && run_one()) {
    }
    return helped::by_hand;
}

FIRE_AND_FORGET_ENGINE void manual_core::repeat_after(task_ptr task, repetition answer) noexcept {
    if (task != nullptr) {
        static_cast<void>(task->advance(now()));
    }
    if (task != nullptr && answer == repetition::go_on) {
        const library_lock lock(mutex_);
        add_waiting(*task.release());
    }
}

FIRE_AND_FORGET_ENGINE void manual_core::add_ready(timer_node& item) noexcept {
    item.next = nullptr;
    *end_ = &item;
    end_ = &item.next;
    ++ready_count_;
}

FIRE_AND_FORGET_ENGINE void manual_core::add_waiting(timer_node& item) noexcept {
    if (!timers_.try_push(item)) {
        item.next = std::exchange(spilled_, &item);
        ++spilled_count_;
    }
}

FIRE_AND_FORGET_ENGINE void manual_core::look_at_spilled() noexcept {
    timer_node* item = std::exchange(spilled_, nullptr);
    spilled_count_ = 0;
    while (item != nullptr) {
        timer_node& one = *std::exchange(item, item->next);
        one.due <= now() ? add_ready(one) : add_waiting(one);
    }
}

/// Whose turn it is, counted from the first.
FIRE_AND_FORGET_ENGINE std::size_t manual_core::next_place() noexcept {
    if (!is_shuffled_ || ready_count_ == 0) {
        return 0;
    }
    random_ += 0x9e3779b97f4a7c15; // splitmix64, which is the same everywhere
    std::uint64_t mixed = random_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111eb;
    return as_size((mixed ^ (mixed >> 31U)) % ready_count_);
}

FIRE_AND_FORGET_ENGINE timer_node* manual_core::take_ready() noexcept {
    timer_node** at = &ready_;
    for (std::size_t skipped = next_place(); skipped > 0; --skipped) {
        at = &(*at)->next;
    }
    timer_node* const taken = *at;
    if (taken != nullptr) {
        *at = taken->next;
        end_ = *at != nullptr ? end_ : at;
        --ready_count_;
    }
    return taken;
}

FIRE_AND_FORGET_ENGINE timer_node* manual_core::take() {
    const library_lock lock(mutex_);
    look_at_spilled();
    for (timer_node* asked = timers_.remove_if(is_asked_to_stop); asked != nullptr;) {
        add_ready(*std::exchange(asked, asked->next));
    }
    while (timer_node* const due = timers_.pop_due(now())) {
        add_ready(*due);
    }
    return take_ready();
}

FIRE_AND_FORGET_ENGINE timer_node* manual_core::take_any() {
    const library_lock lock(mutex_);
    if (spilled_ != nullptr) {
        --spilled_count_;
        return std::exchange(spilled_, spilled_->next);
    }
    timer_node* const first = take_ready();
    return first != nullptr ? first : timers_.pop_due(never);
}

FIRE_AND_FORGET_ENGINE steady_time manual_core::next_due() const {
    const library_lock lock(mutex_);
    steady_time next = timers_.next_due();
    for (const timer_node* one = spilled_; one != nullptr; one = one->next) {
        next = earlier_of(next, one->due);
    }
    return next;
}

FIRE_AND_FORGET_ENGINE void manual_core::move_to(steady_time time) noexcept {
    if (now() < time) {
        now_.store(time, std::memory_order_relaxed);
    }
}

FIRE_AND_FORGET_ENGINE void manual_core::run(timer_node& item) {
    if (item.is_resumption) {
        resumption coroutine{static_cast<suspended*>(&item)};
        run_task(coroutine.task(), host_);
    } else {
        run_task(task_ptr(static_cast<task_node*>(&item)), host_,
                 [this](task_ptr& again, std::uint64_t) {
                     const library_lock lock(mutex_);
                     add_waiting(*again.release());
                 });
    }
}

FIRE_AND_FORGET_ENGINE void manual_core::abandon(suspended& one) const {
    sink_time for_sinks(never);
    abandoned_tasks abandoned(host_, for_sinks);
    abandoned.add_queued(one);
}

FIRE_AND_FORGET_ENGINE void manual_core::abandon_waits() {
    sink_time for_sinks(never);
    abandoned_tasks abandoned(host_, for_sinks);
    detail::abandon_waits(*this, abandoned);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
