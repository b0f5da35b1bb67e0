// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "timer_node.hpp"
#include "timer_order.hpp"
#include "timer_run.hpp"

#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE std::size_t timer_order::size() const noexcept {
    std::size_t sum = heap_.size();
    for (const timer_run& run : runs_) {
        sum += run.size();
    }
    return sum;
}

FIRE_AND_FORGET_ENGINE steady_time timer_order::next_due() const noexcept {
    steady_time next = heap_.next_due();
    for (const timer_run& run : runs_) {
        next = earlier_of(next, run.next_due());
    }
    return next;
}

FIRE_AND_FORGET_ENGINE bool timer_order::try_push(timer_node& item) noexcept {
    item.number = ++pushed_;
    timer_run* const run = item.is_watched ? nullptr : run_for(item);
    if (run == nullptr) {
        return heap_.try_push(item);
    }
    run->push(item);
    return true;
}

FIRE_AND_FORGET_ENGINE timer_node* timer_order::pop_due(steady_time now) noexcept {
    timer_run* const run = earliest_run();
    if (run == nullptr || heap_.has_before(run->first())) {
        return heap_.pop_due(now);
    }
    return run->next_due() <= now ? &run->pop() : nullptr;
}

FIRE_AND_FORGET_ENGINE timer_node*
timer_order::take_latest_if(function_ref<bool(timer_node&)> is_it) {
    return try_pour() ? heap_.take_latest_if(is_it) : nullptr;
}

FIRE_AND_FORGET_ENGINE timer_node* timer_order::remove_if(function_ref<bool(timer_node&)> is_it) {
    timer_node* removed = heap_.remove_if(is_it);
    for (timer_run& run : runs_) {
        removed = run.remove_if(is_it, removed);
    }
    return removed;
}

FIRE_AND_FORGET_ENGINE timer_run* timer_order::run_for(const timer_node& item) noexcept {
    for (timer_run& run : runs_) {
        if (run.last_due() <= item.due) {
            return &run;
        }
    }
    return nullptr;
}

FIRE_AND_FORGET_ENGINE bool timer_order::try_pour() noexcept {
    for (timer_run& run : runs_) {
        while (!run.is_empty()) {
            if (!heap_.try_push(run.first())) {
                return false;
            }
            static_cast<void>(run.pop());
        }
    }
    return true;
}

FIRE_AND_FORGET_ENGINE timer_run* timer_order::earliest_run() noexcept {
    timer_run* found = nullptr;
    for (timer_run& run : runs_) {
        if (!run.is_empty() && (found == nullptr || run.first().is_before(found->first()))) {
            found = &run;
        }
    }
    return found;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
