// SPDX-License-Identifier: MIT
#pragma once

// A task on the heap, with all that a task may have besides its closure: one that has options, is
// too large for a slot of a lane, or goes to an executor without lanes. run_task.hpp runs and
// destroys it.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/platform.hpp"
#include "../platform/stop_callback.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/time.hpp"
#include "closure.hpp"
#include "foreign_executor.hpp"
#include "scheduler.hpp"
#include "timer_node.hpp"
#include "watched.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// While it lives, tells an executor when the token of something that waits there is asked to stop.
class stop_watch final : public watched, public library_memory {
public:
    stop_watch(const stop_token& of, scheduler& tell, timer_node& waiting)
        : watched(waiting), tell_(tell), on_stop_(of, teller{this}) {}

private:
    struct teller {
        stop_watch* of;
        void operator()() const noexcept { of->tell_.notice_stop_of(*of); }
    };
    scheduler& tell_;
    stop_callback<teller> on_stop_;
};

class observation;

/// What a task carries only if its options say so, or its pool has an observer.
struct task_details : library_memory {
    stop_token stop;
    error_sink on_error;
    std::chrono::nanoseconds every{0};
    std::chrono::nanoseconds expires{0};
    bool has_final_run = false;          ///< which is still to come
    stop_watch* watch = nullptr;         ///< owned; for one that waits for its time
    std::shared_ptr<observation> seen{}; ///< null: nobody observes it

    /// Where its coroutine goes on after each wait; null: on the executor of the library it was on.
    std::shared_ptr<foreign_executor> stays_with{};

    ~task_details() {
        delete watch;
        give_back(stop);
    }
};

/// A task on the heap: one with options, one that is too large for a slot or whose copy may throw,
/// or one on its way to an executor without lanes. The closure stands behind it in the same piece
/// of memory.
class task_node : public timer_node {
public:
    /// One without a closure yet, for a closure of `type`; null without memory.
    static task_node* allocate(const task_vtable& type, const call_site& where) noexcept;

    /// Gives the memory back. The closure must have been destroyed.
    static void deallocate(task_node* node) noexcept;

    task_node(const task_node&) = delete;
    task_node& operator=(const task_node&) = delete;

    void* closure() noexcept {
        return reinterpret_cast<std::byte*>(this) + type->offset_behind(sizeof(task_node));
    }

    /// From now on it waits: for its time, or for a worker. It does so once, whichever executors it
    /// comes to.
    void begin_waiting(steady_time now) noexcept;

    /// Sets the time of the next run; returns how many had to be left out.
    std::uint64_t advance(steady_time now) noexcept;

    bool repeats() const noexcept;

    const task_vtable* const type;
    call_site where;
    const char* name = nullptr;
    task_details* details = nullptr; ///< owned

    /// Makes them if there are none yet; throws std::bad_alloc.
    task_details& own_details();

    /// While its task still counts as running: sinks and observers of users end with them.
    void end_details() noexcept {
        if (details != nullptr) {
            delete std::exchange(details, nullptr);
        }
    }

    /// Where it is brought when it may start; null: it runs where it is then.
    stacked_scheduler* via = nullptr;
    void go_via(stacked_scheduler& to) noexcept;

private:
    task_node(const task_vtable& of, const call_site& place) noexcept : type(&of), where(place) {}
    ~task_node() = default;
};

/// Gives memory back, and nothing else: for nodes whose closure is not there or has been destroyed.
struct node_deallocator {
    void operator()(task_node* node) const noexcept { task_node::deallocate(node); }
};
using node_memory = std::unique_ptr<task_node, node_deallocator>;

/// Destroys a task that did not run or whose fate is settled; what its closure throws is reported.
struct task_discarder {
    void operator()(task_node* task) const;
};

/// Copies what `given` says about the task. Throws what copying the sink throws; false if there is
/// no memory for the details.
bool add_options(task_node& task, const options* given);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
