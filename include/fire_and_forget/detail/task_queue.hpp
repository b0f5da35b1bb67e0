// SPDX-License-Identifier: MIT
#pragma once

// The tasks that wait in a pool, by priority. Not thread-safe: the pool's mutex guards it.

#include "task.hpp"

#include <cstddef>
#include <utility>

namespace faf::detail {

/// First in, first out; the tasks themselves are the links.
class task_list {
public:
    task_list() noexcept = default;
    task_list(task_list&& other) noexcept
        : head_(std::exchange(other.head_, nullptr)), tail_(std::exchange(other.tail_, nullptr)) {}
    task_list& operator=(task_list&& other) noexcept {
        std::swap(head_, other.head_);
        std::swap(tail_, other.tail_);
        return *this;
    }
    ~task_list() {
        while (pop()) {
        }
    }

    bool empty() const noexcept { return head_ == nullptr; }

    void push(task_ptr task) noexcept {
        task_base* last = task.release();
        last->next = nullptr;
        (head_ == nullptr ? head_ : tail_->next) = last;
        tail_ = last;
    }

    task_ptr pop() noexcept {
        task_base* first = head_;
        if (first != nullptr) {
            head_ = first->next;
        }
        return task_ptr(first);
    }

private:
    task_base* head_ = nullptr;
    task_base* tail_ = nullptr;
};

/// One list per priority. The highest that has a task is served, but every 16th time the search
/// starts at the low end, so that no task waits for ever.
class task_queue {
public:
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    void push(task_ptr task) noexcept {
        const auto level = static_cast<std::size_t>(task->priority);
        lists_[level].push(std::move(task));
        ++size_;
    }

    task_ptr pop() noexcept {
        const bool low_first = ++pops_ % 16 == 0;
        for (std::size_t i = 0; i < priorities; ++i) {
            task_list& list = lists_[low_first ? priorities - 1 - i : i];
            if (!list.empty()) {
                --size_;
                return list.pop();
            }
        }
        return nullptr;
    }

private:
    static constexpr std::size_t priorities = 3;

    task_list lists_[priorities];
    std::size_t size_ = 0;
    unsigned pops_ = 0;
};

} // namespace faf::detail
