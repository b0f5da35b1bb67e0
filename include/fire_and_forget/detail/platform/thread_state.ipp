// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "thread_state.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool inside_a_task() noexcept {
    return this_thread.running != nullptr;
}

FIRE_AND_FORGET_ENGINE std::size_t depth_of(const void* executor, const task_frame* left) noexcept {
    std::size_t depth = 0;
    for (const task_frame* frame = this_thread.running; frame != left; frame = frame->outer) {
        depth += frame->on == executor && !frame->is_uncounted ? 1 : 0;
    }
    return depth;
}

FIRE_AND_FORGET_ENGINE std::size_t depth_in_books(const void* books,
                                                  const task_frame* left) noexcept {
    std::size_t depth = 0;
    for (const task_frame* frame = this_thread.running; frame != left; frame = frame->outer) {
        depth += frame->of_books == books ? 1 : 0;
    }
    return depth;
}

FIRE_AND_FORGET_ENGINE bool inside_a_task_of(const void* executor) noexcept {
    return depth_of(executor) > 0;
}

FIRE_AND_FORGET_ENGINE std::size_t loans_from(const void* executor,
                                              const loan_frame* left) noexcept {
    std::size_t loans = 0;
    for (const loan_frame* frame = this_thread.loans; frame != left; frame = frame->outer) {
        loans += frame->from == executor ? 1 : 0;
    }
    return loans;
}

FIRE_AND_FORGET_ENGINE std::size_t calls_to_store(const lane_set& in) noexcept {
    std::size_t calls = 0;
    for (const entry_frame* frame = this_thread.entries; frame != nullptr; frame = frame->outer) {
        calls += frame->in == &in ? 1 : 0;
    }
    return calls;
}

FIRE_AND_FORGET_ENGINE hand_over* hand_over::find(std::uint32_t number) noexcept {
    hand_over* one = this_thread.handing_over;
    while (one != nullptr && one->number_ != number) {
        one = one->outer_;
    }
    return one;
}

FIRE_AND_FORGET_ENGINE bool hand_over::note_dropped(std::uint32_t number) noexcept {
    hand_over* const one = find(number);
    if (one != nullptr) {
        one->is_dropped_ = true;
    }
    return one != nullptr;
}

FIRE_AND_FORGET_ENGINE std::uint32_t hand_over::next_number() noexcept {
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
