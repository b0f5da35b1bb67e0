// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "closure.hpp"
#include "host.hpp"
#include "resumption.hpp"
#include "scheduler.hpp"
#include "task.hpp"
#include "task_run.hpp"

#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE stored_task resumption::task() noexcept {
    return {&resumption_type, this, one->where, one->name};
}

FIRE_AND_FORGET_ENGINE void resumption::call(void* self, task_run& run) {
    auto& here = *static_cast<resumption*>(self);
    const bool is_job = here.is_job;
    suspended& its = *std::exchange(here.one, nullptr);
    run.leave_to_another(); // it makes its own reports
    const fate came_to = its.resume();
    run.ended_as(is_job && came_to == fate::open ? fate::succeeded : came_to);
}

FIRE_AND_FORGET_ENGINE void resumption::destroy(void* self) {
    if (suspended* const its = static_cast<resumption*>(self)->one) {
        its->destroy();
    }
}

FIRE_AND_FORGET_ENGINE task_ptr pack(suspended& one) noexcept {
    task_node* const node = task_node::allocate(resumption_type, one.where);
    if (node != nullptr) {
        ::new (node->closure()) resumption{&one};
        node->name = one.name;
        node->priority = one.priority;
        node->has_begun = one.has_begun;
    }
    return task_ptr(node);
}

FIRE_AND_FORGET_ENGINE task_ptr pack_to_go_on(suspended& one) noexcept {
    task_ptr packed = pack(one);
    if (packed != nullptr) {
        packed->has_begun = true;
        static_cast<resumption*>(packed->closure())->is_job = true;
    }
    return packed;
}

FIRE_AND_FORGET_ENGINE void unpack(task_ptr& packed) noexcept {
    if (packed != nullptr) {
        static_cast<resumption*>(packed->closure())->one = nullptr;
        packed.reset();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
