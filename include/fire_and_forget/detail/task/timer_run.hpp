// SPDX-License-Identifier: MIT
#pragma once

// Deadlines that come in order. timer_order.hpp has a few of these.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "timer_node.hpp"

#include <cstddef>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A list of items that are not watched, each due no earlier than the one before.
///
/// Limits  Not thread-safe.
/// Cost    Pushing and popping are constant, and need no memory; all else is linear.
class timer_run {
public:
    timer_run() noexcept = default;
    timer_run(const timer_run&) = delete;
    timer_run& operator=(const timer_run&) = delete;

    bool is_empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// The earliest deadline; the end of time if there is none.
    steady_time next_due() const noexcept { return is_empty() ? never : first_->due; }

    /// The latest deadline; the beginning of time if there is none.
    steady_time last_due() const noexcept { return is_empty() ? (steady_time::min)() : last_->due; }

    /// Not of an empty one.
    timer_node& first() const noexcept { return *first_; }

    /// Adds one that is due no earlier than the last.
    void push(timer_node& item) noexcept {
        (is_empty() ? first_ : last_->next) = &item;
        last_ = &item;
        item.next = nullptr;
        ++size_;
    }

    /// Takes out the first. Not of an empty one.
    timer_node& pop() noexcept {
        --size_;
        return *std::exchange(first_, first_->next);
    }

    /// Takes out all items for which `is_it` holds; returns them as a list, in front of `others`.
    timer_node* remove_if(function_ref<bool(timer_node&)> is_it, timer_node* others);

private:
    timer_node* first_ = nullptr;
    timer_node* last_ = nullptr;
    std::size_t size_ = 0; ///< if it is zero, the two above mean nothing
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
