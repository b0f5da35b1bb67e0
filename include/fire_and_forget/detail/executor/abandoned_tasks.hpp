// SPDX-License-Identifier: MIT
#pragma once

// Reports the tasks that a closing pool leaves undone: not a million lines, but one for each place
// they were fired from.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/host.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts abandoned tasks by place and name, and reports each group once. When there are more
/// groups than it has room for, the full ones are reported and it starts again: nothing is lost.
///
/// Sinks are asked as long as there is time, and each of them once in any case: of the tasks' own
/// the first, and that of all. The rest goes to standard error, because a slow sink must not hold
/// up the end of the program.
class abandoned_tasks {
public:
    abandoned_tasks(const host& on, sink_time& time) noexcept : on_(on), time_(time) {}
    ~abandoned_tasks() { report_groups(); }
    abandoned_tasks(const abandoned_tasks&) = delete;
    abandoned_tasks& operator=(const abandoned_tasks&) = delete;

    /// Whether to wait for a thread that is about to take a task back, or to wake one.
    bool has_time_to_wait() noexcept { return time_.is_left_to_wait(); }

    /// Whether there was any.
    bool has_any() const noexcept { return has_any_; }

    /// Settles a task from the heap. One with a sink of its own is told there.
    void add_queued(task_ptr task) { add(std::move(task), queued); }

    /// The same for one whose time had not come.
    void add_delayed(task_ptr task) { add(std::move(task), delayed); }

    /// Settles a task in a slot.
    void add_queued(const stored_task& task);

    /// Settles a coroutine.
    void add_queued(suspended& one) { add(one, delayed); }

    /// Settles a coroutine that waits for somebody else's code.
    void add_waiting(wait_entry& wait);

    /// Counts one task that is still running. Reports nothing yet, so it may be called under a
    /// lock; what finds no room is counted with the last group.
    void add_running(const call_site& where, const char* name) noexcept;

private:
    static constexpr std::string_view queued = "it was still queued when its time was up";
    static constexpr std::string_view delayed = "it still waited for its time to start";
    static constexpr std::string_view waiting = "it still waited for somebody else's code";
    static constexpr std::string_view running = "it was still running when its time was up";
    static constexpr std::size_t places = 64;

    struct group {
        call_site where;
        const char* name = nullptr;
        std::string_view why;
        std::uint64_t tasks = 0;
    };

    /// The group of these, a new one if need be; null if there is no room.
    group* find(const call_site& where, const char* name, std::string_view why) noexcept;

    bool may_ask(bool& has_been_asked) noexcept;

    void add(task_ptr task, std::string_view why);

    void add(suspended& one, std::string_view why);

    template <class End>
    void add(suspended& one, std::string_view why, End end) {
        const call_site where = one.where;
        const char* const name = one.name;
        const bool reports_itself = one.has_own_sink && may_ask(has_asked_own_);
        one.is_abandoned = reports_itself;
        has_any_ = true;
        if (end() && !reports_itself) {
            count(where, name, why);
        }
    }

    void count(const call_site& where, const char* name, std::string_view why);

    void report_groups();

    const host& on_;
    sink_time& time_;
    bool has_any_ = false;
    bool has_asked_own_ = false;
    bool has_asked_common_ = false;
    group groups_[places]{};
    std::size_t used_ = 0;
};

/// How many were given up while they ran.
struct write_offs {
    std::size_t tasks = 0;
    std::size_t passing = 0; ///< that are counted elsewhere

    std::size_t all() const noexcept { return tasks + passing; }

    write_offs& operator+=(const write_offs& more) noexcept {
        tasks += more.tasks;
        passing += more.passing;
        return *this;
    }
};

/// While it lives, the calling thread gives up one after the other by `next`, which is false when
/// none is left. The destructor of one, which may be a scope's, may have to wait for others of
/// them: it has those given up before, though not before `due`.
class abandonment {
public:
    explicit abandonment(function_ref<bool()> next, steady_time due = {}) noexcept
        : next_(next), due_(due), outer_(std::exchange(this_thread.abandoning, this)) {}
    ~abandonment() { this_thread.abandoning = outer_; }
    abandonment(const abandonment&) = delete;
    abandonment& operator=(const abandonment&) = delete;

    /// Gives one more up, of what the calling thread is to give up; false if there is none.
    static bool go_on();

private:
    function_ref<bool()> next_;
    const steady_time due_;
    abandonment* const outer_;
};

/// Gives up one after the other by `next`, until that is false; see abandonment.
void give_up_all(function_ref<bool()> next);

/// Settles the coroutines that wait at `closing` for somebody else's code. Those that are just
/// being woken are waited for, as long as there is time.
void abandon_waits(scheduler& closing, abandoned_tasks& abandoned);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
