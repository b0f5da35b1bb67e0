// SPDX-License-Identifier: MIT
#pragma once

#include "thread_line.hpp"

#include "../platform/reentry.hpp"

#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE std::unique_ptr<thread_line::entry>
thread_line::make(const call_site& where, const char* name) noexcept {
    const inside_library allocating;
    std::unique_ptr<entry> fresh(new (std::nothrow) entry);
    if (fresh != nullptr) {
        fresh->where = where;
        fresh->name = name;
    }
    return fresh;
}

FIRE_AND_FORGET_ENGINE std::unique_ptr<thread_line::entry>
thread_line::make(timer_node& item) noexcept {
    if (item.is_resumption) {
        auto& coroutine = static_cast<suspended&>(item);
        std::unique_ptr<entry> fresh = make(coroutine.where, coroutine.name);
        if (fresh != nullptr) {
            fresh->coroutine = &coroutine;
            fresh->is_passing = coroutine.is_guest;
        }
        return fresh;
    }
    auto& task = static_cast<task_node&>(item);
    std::unique_ptr<entry> fresh = make(task.where, task.name);
    if (fresh != nullptr) {
        task.is_delayed = false;
        fresh->task.reset(&task);
    }
    return fresh;
}

FIRE_AND_FORGET_ENGINE void thread_line::push(entry& last) noexcept {
    *end_ = &last;
    end_ = &last.behind;
    ++waiting_;
}

FIRE_AND_FORGET_ENGINE thread_line::entry* thread_line::pop(std::size_t most) noexcept {
    if (is_empty() || threads_ > at_least_one(most)) {
        return nullptr;
    }
    entry* const first = first_;
    first_ = std::exchange(first->behind, nullptr);
    end_ = is_empty() ? &first_ : end_;
    --waiting_;
    return first;
}

FIRE_AND_FORGET_ENGINE thread_line::entry* thread_line::take_all() noexcept {
    end_ = &first_;
    waiting_ = 0;
    return std::exchange(first_, nullptr);
}

FIRE_AND_FORGET_ENGINE bool thread_line::add_thread(std::size_t most) noexcept {
    const bool has_room = threads_ < most;
    threads_ += has_room ? 1 : 0; // LINE-1
    return has_room;
}

FIRE_AND_FORGET_ENGINE bool thread_line::has_too_few(std::size_t most) const noexcept {
    return waiting_ > coming_ && threads_ < at_least_one(most); // LINE-2
}

FIRE_AND_FORGET_ENGINE const thread_line::entry*
thread_line::send_thread(std::size_t most) noexcept {
    if (!may_send(most)) {
        return nullptr;
    }
    ++threads_; // LINE-1
    ++coming_;
    return first_;
}

FIRE_AND_FORGET_ENGINE thread_trouble thread_line::note_no_thread(const call_site& where,
                                                                  std::exception_ptr why) noexcept {
    --threads_;
    --coming_;
    return pause_.begin(where, std::move(why));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
