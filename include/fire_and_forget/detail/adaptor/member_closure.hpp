// SPDX-License-Identifier: MIT
#pragma once

// The closure of a task that belongs to a set: a membership around the closure that was fired, so
// that whoever destroys the task, wherever it has got to, ends the membership after it.
// scope_core.hpp makes them.

#include "../platform/abi.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/platform.hpp"
#include "../platform/stop_token.hpp"
#include "../queue/block.hpp"
#include "../task/closure.hpp"
#include "../task/cohort.hpp"
#include "../task/member_frame.hpp"
#include "../task/task.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What all have in common. The membership ends when what was fired is gone.
struct member_head {
    membership held;
    const task_vtable* inner;
};

/// In its own memory: what is small and needs nothing else.
struct small_member : member_head {
    static constexpr std::size_t room = slot::room - sizeof(member_head);

    static constexpr bool fits(const task_vtable& type) noexcept {
        return type.size <= room && type.alignment <= alignof(void*);
    }

    void* fired() noexcept { return closure; }
    member_frame frame(const member_frame* outer) noexcept {
        return {&held.its().set, &held, outer};
    }

    alignas(void*) std::byte closure[room];
};

/// What is kept elsewhere for the other ones, in one piece of memory with what was fired.
struct member_box {
    /// Null without memory. With room for a closure of `type`.
    static member_box* make(const task_vtable& type) noexcept;

    /// What one listens to that waits for its time: its own token, and `common`, which all do that
    /// wait. Throws without memory.
    stop_token stop_of_waiting(const stop_token& common);

    stop_token own{};                               ///< what the call said
    std::unique_ptr<linked_stop_source> waits_by{}; ///< stops one that waits for its time
    std::unique_ptr<linked_stop_source> runs_by{};  ///< what its code sees
    void* closure = nullptr;
    std::size_t alignment = alignof(void*);
    task_node* carried = nullptr;
    bool is_timed = false; ///< its token has been replaced by one that stops its wait
};
struct box_deallocator {
    void operator()(member_box* box) const noexcept;
};
using member_box_ptr = std::unique_ptr<member_box, box_deallocator>;

struct boxed_member : member_head {
    void* fired() noexcept { return box->closure; }
    member_frame frame(const member_frame* outer) noexcept {
        return {&held.its().set, &held, outer, &box->own, &box->runs_by};
    }

    member_box_ptr box; // destroyed before the membership, which is of the base
};

/// How often a member may be called.
enum class member_runs : std::uint8_t { once, repeatedly };

template <class Member, member_runs Runs>
struct member_call {
    static void call(void* stored, task_run& run);
    static void destroy(void* stored);
};

template <class Member, member_runs Runs>
inline constexpr task_vtable member_type{&member_call<Member, Runs>::call,
                                         &member_call<Member, Runs>::destroy, sizeof(Member),
                                         alignof(Member)};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
