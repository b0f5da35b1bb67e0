// SPDX-License-Identifier: MIT
#pragma once

#include "../../call_site.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../queue/lanes.hpp"
#include "../task/run_task.hpp"
#include "task_taker.hpp"

#include <cstddef>
#include <cstring>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE stored_task task_in(const slot& taken) noexcept {
    return {*taken.type.load(std::memory_order_relaxed), // seen with acquire when it was taken
            const_cast<std::byte*>(taken.closure), taken.where};
}

FIRE_AND_FORGET_ENGINE bool task_taker::may_take() const noexcept { // TAKER-2
    return until_over_ == nullptr || !until_over_->is_over();
}

FIRE_AND_FORGET_ENGINE void task_taker::take(slot& from, pool_block& in) noexcept {
    from_ = &from;
    in_ = &in;
    const task_node* const node = node_in(from);
    const suspended* const coroutine = coroutine_in(from);
    is_guest_ = coroutine != nullptr && coroutine->is_guest;
    where_.store(from.where);
    name_.store(node != nullptr        ? node->name
                : coroutine != nullptr ? coroutine->name
                                       : nullptr,
                std::memory_order_relaxed);
    state_.store(is_guest_ ? state::passing : state::running,
                 std::memory_order_release); // TAKER-1
}

FIRE_AND_FORGET_ENGINE task_node* task_taker::node_in(const slot& holder) noexcept {
    if (holder.type.load(std::memory_order_relaxed) != &in_node) { // seen with acquire before
        return nullptr;
    }
    const void* const stored = holder.closure;
    return *std::launder(static_cast<task_node* const*>(stored));
}

FIRE_AND_FORGET_ENGINE suspended* task_taker::coroutine_in(const slot& holder) noexcept {
    if (holder.type.load(std::memory_order_relaxed) != &resumption_type) { // as above
        return nullptr;
    }
    const void* const stored = holder.closure;
    return std::launder(static_cast<const resumption*>(stored))->one;
}

FIRE_AND_FORGET_ENGINE void task_taker::finish_slot() noexcept {
    from_->type.store(nullptr, std::memory_order_relaxed); // the block releases it
    if (in_ != finished_in_) {
        flush();
        finished_in_ = in_;
    }
    ++finished_;
}

FIRE_AND_FORGET_ENGINE void task_taker::flush() noexcept {
    if (finished_ > 0) {
        finished_in_->finish(finished_);
    }
    finished_in_ = nullptr;
    finished_ = 0;
}

FIRE_AND_FORGET_ENGINE bool task_taker::end() noexcept {
    const state was = state_.exchange(state::idle, std::memory_order_acq_rel); // TAKER-3
    return was == state::running || was == state::passing;
}

FIRE_AND_FORGET_ENGINE bool task_taker::write_off(abandoned_tasks& abandoned) noexcept {
    const bool is_first = change(state::running, state::written_off); // TAKER-3
    if (is_first) {
        abandoned.add_running(where(), name());
    }
    return is_first;
}

FIRE_AND_FORGET_ENGINE bool task_taker::is_written_off() const noexcept {
    const state now = state_.load(std::memory_order_relaxed);
    return now == state::written_off || now == state::passed_off;
}

FIRE_AND_FORGET_ENGINE bool task_taker::has_any() const noexcept {
    return state_.load(std::memory_order_relaxed) != state::idle && !is_written_off();
}

FIRE_AND_FORGET_ENGINE bool task_taker::is_running() const noexcept {
    return state_.load(std::memory_order_relaxed) == state::running;
}

FIRE_AND_FORGET_ENGINE task_taker::task_taker(const lane_set* until_over) noexcept
    : running_item{nullptr,
                   [](running_item& self) noexcept {
                       auto& taker = static_cast<task_taker&>(self);
                       taker.change(state::running, state::passing);
                       return taker.state_.load(std::memory_order_relaxed) != state::written_off;
                   },
                   [](running_item& self) noexcept {
                       auto& taker = static_cast<task_taker&>(self);
                       return taker.is_guest_ || taker.change(state::passing, state::running);
                   }},
      until_over_(until_over) {}

FIRE_AND_FORGET_ENGINE bool task_taker::change(state from, state to) noexcept { // TAKER-3
    return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel,
                                          std::memory_order_relaxed);
}

FIRE_AND_FORGET_ENGINE void write_offs::add(task_taker& taker,
                                            abandoned_tasks& abandoned) noexcept {
    while (taker.has_any()) { // what passes may come back
        if (taker.write_off(abandoned)) {
            ++tasks;
        } else if (taker.write_off_passing()) {
            ++passing;
        }
    }
}

FIRE_AND_FORGET_ENGINE void dropping_taker::take(slot& from, pool_block& in) noexcept {
    task_taker::take(from, in);
    const bool is_counted = coroutine_in(from) == nullptr; // else by who has accepted it
    (is_counted ? tasks : coroutines).fetch_add(1, std::memory_order_release); // COUNT-1
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
