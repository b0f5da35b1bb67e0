// SPDX-License-Identifier: MIT
#pragma once

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "callable.hpp"
#include "scheduler.hpp"
#include "task.hpp"

#include <cstddef>
#include <cstdint>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE task_node* task_node::allocate(const task_vtable& type,
                                                      const call_site& where) noexcept {
    const std::size_t size = type.offset_behind(sizeof(task_node)) + type.size;
    void* const memory = allocate_inside(size, type.alignment);
    return memory != nullptr ? ::new (memory) task_node(type, where) : nullptr;
}

FIRE_AND_FORGET_ENGINE void task_node::deallocate(task_node* node) noexcept {
    const task_vtable& type = *node->type;
    delete node->details;
    if (node->via != nullptr) {
        node->via->remove_user();
    }
    node->~task_node();
    release_inside(static_cast<void*>(node), type.alignment);
}

FIRE_AND_FORGET_ENGINE void task_node::begin_waiting(steady_time now) noexcept {
    if (is_timed && !is_accepted) {
        is_delayed = due != steady_time();
        due = later(now, due.time_since_epoch());
    }
    is_accepted = true;
}

FIRE_AND_FORGET_ENGINE std::uint64_t task_node::advance(steady_time now) noexcept {
    const std::chrono::nanoseconds every = details->every;
    due = later(due, every);
    const auto missed = due < now ? (now - due) / every : 0;
    due += missed * every;
    return static_cast<std::uint64_t>(missed);
}

FIRE_AND_FORGET_ENGINE void task_node::go_via(stacked_scheduler& to) noexcept {
    to.add_user();
    via = &to;
}

FIRE_AND_FORGET_ENGINE task_details& task_node::own_details() {
    if (details == nullptr) {
        details = new task_details{};
    }
    return *details;
}

FIRE_AND_FORGET_ENGINE bool task_node::repeats() const noexcept {
    return details != nullptr && details->every > std::chrono::nanoseconds(0);
}

FIRE_AND_FORGET_ENGINE bool add_options(task_node& task, const options* given) {
    constexpr std::chrono::nanoseconds none{0};
    if (given == nullptr) {
        return true;
    }
    task.name = given->name.c_str();
    task.priority = given->priority;
    task.is_timed = true;
    task.due = later(steady_time(), given->after);
    if (given->every == none && given->expires == none && !given->on_error &&
        !given->stop.stop_possible()) {
        return true;
    }
    task.details = new (std::nothrow) task_details{{},           given->stop,    given->on_error,
                                                   given->every, given->expires, given->final_run};
    return task.details != nullptr;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
