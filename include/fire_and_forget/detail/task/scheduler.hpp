// SPDX-License-Identifier: MIT
#pragma once

// What an executor of the library offers to the tasks that run on it, seen from below: a clock, and
// a way to be continued later. Pools, own threads and manual_core.hpp implement it, run_task.hpp
// reads the clock, chain.hpp uses the rest.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/time.hpp"
#include "coroutine_books.hpp"
#include "timer_node.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class task_node;
struct task_discarder;
using task_ptr = std::unique_ptr<task_node, task_discarder>;

struct watched;
class pool;

struct suspended;

/// What those of one type do.
struct suspended_type {
    fate (*resume)(suspended& self) = nullptr;
    bool (*destroy)(suspended& self) = nullptr;
    bool (*wants_to_stop)(const suspended& self) = nullptr; ///< null: never
};
inline constexpr suspended_type inert{};

/// A suspended coroutine. It lives in the coroutine's frame, and whoever holds it calls one of
/// resume() and destroy(), once; afterwards it may be gone.
struct suspended : timer_node {
    /// Goes on on the calling thread until it is suspended again or ends. Throws nothing.
    fate resume() { return does->resume(*this); }

    /// Destroys the coroutine with all that wait for it. Throws nothing. False if its end has been
    /// reported before.
    bool destroy() { return does->destroy(*this); }

    /// Whether its sleep is to end at once. Asked under a lock.
    bool wants_to_stop() const {
        return does->wants_to_stop != nullptr && does->wants_to_stop(*this);
    }

    const suspended_type* does = &inert;
    watched* watch = nullptr;   ///< of one that is watched
    call_site where{};          ///< where it was fired
    const char* name = nullptr; ///< of the options it was fired with
};

/// What came of an offer to help.
enum class helped : std::uint8_t {
    nowhere, ///< the caller's thread runs no tasks of it
    nothing, ///< there was nothing to do
    by_some, ///< it has run tasks
    by_hand, ///< all that there was to do; nobody does more there unless he is told to
};

/// How far who helps looks for tasks: among those that its thread has fired and that nobody has
/// taken yet, newest first, or also among all others.
enum class reach : std::uint8_t { own, all };

/// Invariant  What is refused by an answer of `false` is untouched and stays the caller's.
class scheduler {
public:
    virtual steady_time now() const noexcept = 0;

    /// Accepts `one` as a task, to be started by a worker, or says why not.
    virtual refusal start_coroutine(suspended& one) = 0;

    /// Has `one` resumed by a worker. False if it is closed, or without memory.
    virtual bool resume_soon(suspended& one) noexcept = 0;

    /// The same when `one.due` has come.
    virtual bool resume_at(suspended& one) noexcept = 0;

    /// Someone who waits for his time may have been asked to stop: those become due.
    virtual void notice_stop() noexcept = 0;

    /// The same, and it is known who. He may not wait, or no longer.
    virtual void notice_stop_of(watched&) noexcept { notice_stop(); }

    /// Whether its tasks are asked to stop. Those who wait for their time have to be told: who has
    /// called resume_at() fences, looks here, and calls notice_stop() if so.
    virtual bool is_stopping() const noexcept = 0;

    /// For a thread that can't go on before `is_over()`: runs tasks on it until then, or until
    /// there are none. These run inside of the caller's.
    virtual helped help(reach, function_ref<bool()> /*is_over*/) { return helped::nowhere; }

    /// The pool that runs the tasks here, if the calling thread is one of its workers: then
    /// helping.hpp helps, and not help(). Null: it is not, or there is none.
    virtual pool* pool_of_worker() noexcept { return nullptr; }

    /// Whether nothing runs there before the calling thread returns: it is inside of a turn.
    virtual bool waits_for_this_thread() const noexcept { return false; }

    /// For coroutines, which may refer to it longer than its owner.
    virtual void keep_scheduler() noexcept = 0;
    virtual void release_scheduler() noexcept = 0;

    /// The coroutine of a task that repeats has ended: runs it again when its next time has come,
    /// unless `answer` is that it wants no more. Null: it has been destroyed.
    virtual void repeat_after(task_ptr task, repetition answer) noexcept = 0;

    /// A coroutine that it has accepted, or that waited here, has ended elsewhere.
    virtual void notice_end() noexcept = 0;

    /// Who hears of the tasks that run there; null: nobody.
    virtual task_observer* observer() const noexcept { return nullptr; }

    /// Whether it is a stacked_scheduler.
    virtual bool is_stacked() const noexcept { return false; }

    /// How many tasks a serial executor may run here before others have a turn.
    virtual unsigned most_in_turn() const noexcept { return 64; }

    coroutine_books& books; ///< of the coroutines it has accepted, and of those that wait here

protected:
    explicit scheduler(coroutine_books& those) noexcept : books(those) {}
    ~scheduler() = default;
};

/// A scheduler that can't end meanwhile.
class kept_scheduler {
public:
    kept_scheduler() noexcept = default;
    explicit kept_scheduler(scheduler& one) noexcept : one_(&one) { one.keep_scheduler(); }
    kept_scheduler(kept_scheduler&& other) noexcept : one_(std::exchange(other.one_, nullptr)) {}
    kept_scheduler& operator=(kept_scheduler&& other) noexcept {
        kept_scheduler taken(std::move(other));
        std::swap(taken.one_, one_);
        return *this;
    }
    ~kept_scheduler() {
        if (one_ != nullptr) {
            one_->release_scheduler();
        }
    }
    scheduler* get() const noexcept { return one_; }

private:
    scheduler* one_ = nullptr;
};

/// One that has books of its own.
class scheduler_with_books : public scheduler {
protected:
    scheduler_with_books() noexcept : scheduler(own_books_) {}
    ~scheduler_with_books() = default;

private:
    coroutine_books own_books_;
};

/// One that stands on another, which counts what runs here. What waits there for its time is
/// brought here when that has come; and what belongs here keeps it.
class stacked_scheduler : public scheduler {
public:
    /// Takes a task that the executor below has accepted, and that may start now.
    virtual void bring(task_ptr task) = 0;

    virtual void add_user() noexcept = 0;
    virtual void remove_user() noexcept = 0;

    bool is_stacked() const noexcept final { return true; }

protected:
    using scheduler::scheduler;
    ~stacked_scheduler() = default;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
