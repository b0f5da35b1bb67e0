// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/scope_guard.hpp"
#include "../task/member_frame.hpp"
#include "../task/task.hpp"
#include "../task/task_run.hpp"
#include "member_closure.hpp"

#include <cstddef>
#include <memory>
#include <new>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE member_box* member_box::make(const task_vtable& type) noexcept {
    const std::size_t aligned =
        type.alignment > alignof(member_box) ? type.alignment : alignof(member_box);
    const std::size_t offset = type.offset_behind(sizeof(member_box));
    void* const memory = allocate_inside(offset + type.size, aligned);
    if (memory == nullptr) {
        return nullptr;
    }
    auto* const box = ::new (memory) member_box;
    box->closure = static_cast<std::byte*>(memory) + offset;
    box->alignment = aligned;
    return box;
}

FIRE_AND_FORGET_ENGINE stop_token member_box::stop_of_waiting(const stop_token& common) {
    if (!own.stop_possible()) {
        return common;
    }
    waits_by = std::make_unique<linked_stop_source>(own, common);
    return waits_by->get_token();
}

FIRE_AND_FORGET_ENGINE void box_deallocator::operator()(member_box* box) const noexcept {
    const std::size_t aligned = box->alignment;
    if (box->carried != nullptr) {
        task_node::deallocate(box->carried);
    }
    box->waits_by.reset(); // which has it, too
    give_back(box->own);
    box->~member_box();
    release_inside(static_cast<void*>(box), aligned);
}

template <class Member, member_runs Runs>
void member_call<Member, Runs>::call(void* stored, task_run& run) {
    auto& self = *static_cast<Member*>(stored);
    if (!self.held.begin()) {
        run.given_up(failure::cancelled, {});
        run.answered(repetition::stop);
        return;
    }
    const member_frame here = self.frame(run.members());
    run.set_members(&here);
    const scope_guard at_the_end([&] {
        run.set_members(here.outer);
        if (Runs == member_runs::repeatedly && !self.held.end_run()) {
            run.answered(repetition::stop);
        }
    });
    self.inner->call(self.fired(), run);
}

template <class Member, member_runs Runs>
void member_call<Member, Runs>::destroy(void* stored) {
    auto& self = *static_cast<Member*>(stored);
    const scope_guard at_the_end([&] { self.~Member(); }); // whatever the closure throws
    if (self.inner->destroy != nullptr) {
        const member_frame here = self.frame(nullptr);
        const end_of_member ends(&here);
        self.inner->destroy(self.fired());
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
