// SPDX-License-Identifier: MIT
#pragma once

// What the library knows about the thread it is on: which tasks it runs, and whether a sink of it
// is at work. All of it is trivially destructible, so it can still be read in thread_local
// destructors.

#include <utility>

namespace faf::detail {

class task_base;

/// A task that is running on this thread, innermost first. `on` tells executors apart.
struct task_frame {
    const void* on = nullptr;
    const task_frame* outer = nullptr;
};

class hand_over;

struct thread_state {
    const task_frame* running = nullptr;
    hand_over* handing_over = nullptr;
    bool in_sink = false;
};

inline constinit thread_local thread_state this_thread{};

/// True if the calling thread is inside a task, whoever runs it.
inline bool inside_a_task() noexcept {
    return this_thread.running != nullptr;
}

/// True if the calling thread is inside a task of `executor`, be it by way of other executors.
inline bool inside_a_task_of(const void* executor) noexcept {
    for (const task_frame* frame = this_thread.running; frame != nullptr; frame = frame->outer) {
        if (frame->on == executor) {
            return true;
        }
    }
    return false;
}

/// Marks, for as long as it lives, that a task is being handed to an executor: if the executor
/// drops it there and then, it was refused, not abandoned.
class hand_over {
public:
    explicit hand_over(const task_base* task) noexcept
        : task_(task), outer_(std::exchange(this_thread.handing_over, this)) {}
    ~hand_over() { this_thread.handing_over = outer_; }
    hand_over(const hand_over&) = delete;
    hand_over& operator=(const hand_over&) = delete;

    bool is_dropped() const noexcept { return is_dropped_; }

    /// Notes that `task` is dropped, if it is the one being handed over or one further out; false
    /// if it is none of them.
    static bool note_dropped(const task_base* task) noexcept {
        for (hand_over* one = this_thread.handing_over; one != nullptr; one = one->outer_) {
            if (one->task_ == task) {
                one->is_dropped_ = true;
                return true;
            }
        }
        return false;
    }

private:
    const task_base* task_;
    hand_over* outer_;
    bool is_dropped_ = false;
};

/// Marks that a sink runs on this thread.
class sink_scope {
public:
    sink_scope() noexcept { this_thread.in_sink = true; }
    ~sink_scope() { this_thread.in_sink = false; }
    sink_scope(const sink_scope&) = delete;
    sink_scope& operator=(const sink_scope&) = delete;
};

} // namespace faf::detail
