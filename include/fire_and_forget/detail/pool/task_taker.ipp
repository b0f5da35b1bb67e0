// SPDX-License-Identifier: MIT
#pragma once

#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../queue/lanes.hpp"
#include "../task/resumption.hpp"
#include "task_taker.hpp"

#include <cstddef>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE stored_task task_in(const slot& taken) noexcept {
    return {taken.type.load(std::memory_order_relaxed), // seen with acquire when it was taken
            const_cast<std::byte*>(taken.closure), taken.where};
}

FIRE_AND_FORGET_ENGINE task_node* node_in(const slot& holder) noexcept {
    if (holder.type.load(std::memory_order_relaxed) != &in_node) { // seen with acquire before
        return nullptr;
    }
    const void* const stored = holder.closure;
    return *std::launder(static_cast<task_node* const*>(stored));
}

FIRE_AND_FORGET_ENGINE suspended* coroutine_in(const slot& holder) noexcept {
    if (holder.type.load(std::memory_order_relaxed) != &resumption_type) { // as above
        return nullptr;
    }
    const void* const stored = holder.closure;
    return std::launder(static_cast<const resumption*>(stored))->one;
}

// Slots -------------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE void slot_returns::finish(std::uint32_t tasks, pool_block& in) noexcept {
    if (&in != finished_in_) {
        flush();
        finished_in_ = &in;
    }
    finished_ += tasks;
}

FIRE_AND_FORGET_ENGINE void slot_returns::flush() noexcept {
    if (finished_ > 0) {
        is_flushing_.store(true, std::memory_order_relaxed);
        finished_in_->finish(finished_);
        is_flushing_.store(false, std::memory_order_relaxed);
    }
    finished_in_ = nullptr;
    finished_ = 0;
}

// Workers -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE task_taker::task_taker(claim& its, const lane_set* until_over) noexcept
    : running_item{nullptr,
                   [](running_item& self) noexcept {
                       return static_cast<task_taker&>(self).claim_.pass_on();
                   },
                   [](running_item& self) noexcept {
                       return static_cast<task_taker&>(self).claim_.come_back();
                   }},
      claim_(its), until_over_(until_over) {}

FIRE_AND_FORGET_ENGINE bool task_taker::may_take() const noexcept { // TAKER-2
    return until_over_ == nullptr || !until_over_->is_withheld();
}

/// A coroutine may be counted elsewhere, so it comes alone.
FIRE_AND_FORGET_ENGINE bool task_taker::may_join(const task_vtable& type) const noexcept {
    return &type != &resumption_type && !is_alone_;
}

FIRE_AND_FORGET_ENGINE std::uint32_t task_taker::take(slot& first, pool_block& in,
                                                      std::uint32_t count) noexcept {
    const bool is_run = count > 1 && claim_.try_lock();
    const suspended* const coroutine = coroutine_in(first);
    const bool is_guest = coroutine != nullptr && coroutine->is_guest;
    describe(first);
    claim_.put({&first, &in, is_run ? count : 1},
               is_guest ? claim::counted::elsewhere : claim::counted::here); // TAKER-1
    if (is_run) {
        claim_.unlock();
    }
    return is_run ? count : 1;
}

FIRE_AND_FORGET_ENGINE void task_taker::describe(const slot& next) noexcept {
    const char* name = nullptr;
    if (const task_node* const node = node_in(next)) {
        name = node->name;
    } else if (const suspended* const coroutine = coroutine_in(next)) {
        name = coroutine->name;
    }
    claim_.describe(next.where, name);
}

// Others ------------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE write_offs write_off(claim& of, abandoned_tasks& abandoned) noexcept {
    write_offs lost;
    const claim::given_up what = of.give_up(); // TAKER-3
    if (what == claim::given_up::task) {
        ++lost.tasks;
        abandoned.add_running(of.where(), of.name());
    } else if (what == claim::given_up::passing) {
        ++lost.passing;
    }
    return lost;
}

FIRE_AND_FORGET_ENGINE std::uint32_t dropping_taker::take(slot& from, pool_block& in,
                                                          std::uint32_t) noexcept {
    from_ = &from;
    in_ = &in;
    const bool is_counted = coroutine_in(from) == nullptr; // else by who has accepted it
    (is_counted ? tasks_ : coroutines_).fetch_add(1, std::memory_order_release); // COUNT-1
    return 1;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
