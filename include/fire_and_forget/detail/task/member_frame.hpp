// SPDX-License-Identifier: MIT
#pragma once

// Which sets the code belongs to that runs on a thread, from the innermost task outwards: what it
// is asked to stop by, and whom it would wait for in vain. Who runs a member makes a frame of it.

#include "../platform/abi.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/thread_state.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class membership;
class task_set;

/// What a task belongs to while its code runs on this thread, innermost set first.
struct member_frame {
    const task_set* set = nullptr;
    membership* held = nullptr; ///< beside which a coroutine enters
    const member_frame* outer = nullptr;

    /// The task's own token; null if it has none. Both as one are made when first asked for.
    const stop_token* own = nullptr;
    std::unique_ptr<linked_stop_source>* both = nullptr;

    /// Of a frame without a set: what a thread is inside of that waits for the code.
    const task_frame* awaited_in = nullptr;

    /// What the code is to see. Throws if there is no memory for it.
    stop_token token() const;
};

/// Whether the calling thread is inside a member of `set`.
bool inside_a_member_of(const task_set& set) noexcept;

/// The same of a thread whose innermost task is `task`, and which stays in it meanwhile.
bool inside_a_member_of(const task_set& set, const task_frame* task) noexcept;

/// Whether that is one of those from `innermost` outwards.
bool is_among(const task_set& set, const member_frame* innermost) noexcept;

/// Whether the task is one that it runs, whatever it was doing when it came to that.
bool runs_a_member_of(const task_set& set) noexcept;

/// Whether a thread whose innermost task is `task` is in a turn of `it`, or one that waits for it.
bool inside_a_turn_of(const scheduler& it, const task_frame* task) noexcept;

/// Marks what the code that runs here is awaited by: a thread inside of a task, and the members
/// that a coroutine awaits it for, each of which can't end before it. Null: nobody.
class awaited_inside {
public:
    awaited_inside(const task_frame* by_thread, const member_frame* by_members) noexcept;
    ~awaited_inside();
    awaited_inside(const awaited_inside&) = delete;
    awaited_inside& operator=(const awaited_inside&) = delete;

    /// Those may be gone from here on, or are there after all.
    void hide() noexcept { frame_.members = nullptr; }
    void show() noexcept { frame_.members = &both_; }

private:
    const bool is_any_;
    member_frame both_;
    task_frame frame_;
};

/// Marks that a member's closure is destroyed here, or what is left of its coroutine.
class end_of_member {
public:
    explicit end_of_member(const member_frame* of) noexcept;
    ~end_of_member() { leave_frame(this_thread.running, frame_.outer); }
    end_of_member(const end_of_member&) = delete;
    end_of_member& operator=(const end_of_member&) = delete;

private:
    task_frame frame_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
