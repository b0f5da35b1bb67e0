// SPDX-License-Identifier: MIT
#pragma once

// The waits that a scheduler ends: for a time, for a turn, for another executor.

#include "../executor.hpp"
#include "abi.hpp"
#include "asymmetric_barrier.hpp"
#include "call.hpp"
#include "chain.hpp"
#include "fire.hpp"
#include "task.hpp"
#include "time.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Waits until `due`. Cancelled by the chain's stop_tokens, and by a scheduler that takes no more.
class sleep_wait {
public:
    sleep_wait(chain& of, steady_time due) noexcept : of_(of) { of.due = due; }
    sleep_wait(chain& of, std::chrono::nanoseconds delay) noexcept : of_(of) {
        if (const scheduler* const on = of.settle_on_scheduler()) {
            of.due = later(on->now(), delay);
        }
    }

    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.set_next(waiting, waiting.promise());
        of_.now().leave_by(&leave, this);
    }

    void await_resume() const {
        if (chain_details* const details = of_.details()) {
            of_.is_watched = false;
            details->watch.reset();
        }
        if (of_.is_asked_to_stop() || of_.now().is_refused()) {
            throw_cancelled();
        }
    }

private:
    /// Once it has left, the sleeper may be gone, but not the scheduler: this thread works for it.
    static bool leave(chain& sleeper, void*) {
        scheduler* const on = sleeper.settle_on_scheduler();
        stop_token own;
        if (chain_details* const details = sleeper.details()) {
            own = details->of_task.stop;
            if (on != nullptr && own.stop_possible()) {
                sleeper.watch = &details->watch.emplace(own, *on, sleeper);
                sleeper.is_watched = true;
            }
        }
        if (on == nullptr || sleeper.is_asked_to_stop() || !on->resume_at(sleeper)) {
            sleeper.now().note_refusal();
            return false;
        }
        full_fence(); // X1 of executor_timers: the stop may have come before the sleeper was there
        if (own.stop_requested() || on->is_stopping()) {
            on->notice_stop();
        }
        return true;
    }

    chain& of_;
};

/// Lets others have the worker.
class yield_wait {
public:
    explicit yield_wait(chain& of) noexcept : of_(of) {}
    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.set_next(waiting, waiting.promise());
        of_.now().leave_by(&leave, this);
    }

    void await_resume() const {
        if (of_.now().is_refused()) {
            throw_cancelled();
        }
    }

private:
    static bool leave(chain& leaving, void*) {
        scheduler* const on = leaving.settle_on_scheduler();
        if (on == nullptr || !on->resume_soon(leaving)) {
            leaving.now().note_refusal();
            return false;
        }
        return true;
    }

    chain& of_;
};

/// What stands behind an executor, if it can continue coroutines by itself.
template <class E>
scheduler* scheduler_of(E& executor) noexcept {
    using core = std::remove_cvref_t<decltype(core_of(executor))>;
    if constexpr (std::derived_from<core, scheduler>) {
        return &core_of(executor);
    } else {
        return nullptr;
    }
}

/// A chain on its way to an executor of somebody else's, as the closure of a task.
class chain_on_its_way {
public:
    explicit chain_on_its_way(chain& leaving) noexcept : chain_(&leaving) {}
    chain_on_its_way(const chain_on_its_way&) = delete;
    chain_on_its_way& operator=(const chain_on_its_way&) = delete;
    ~chain_on_its_way() {
        if (chain_ != nullptr) { // the job was dropped, and reported
            chain_->destroy(*chain_);
        }
    }

    void call(task_run& run) {
        chain& its = *std::exchange(chain_, nullptr);
        run.ended_as(its.resume(its)); // by a run of its own, which knows its sink
    }

    /// Makes a task of it; null without memory.
    static task_ptr pack(chain& leaving) noexcept {
        task_node* const node = task_node::allocate(type_of<chain_on_its_way>, leaving.where);
        if (node != nullptr) {
            ::new (node->closure()) chain_on_its_way(leaving);
            node->name = leaving.name;
        }
        return task_ptr(node);
    }

private:
    chain* chain_;
};

/// Goes on somewhere else.
template <class E>
class executor_wait {
public:
    executor_wait(chain& of, E& to) noexcept : of_(of), to_(to) {}
    executor_wait(const executor_wait&) = delete;
    executor_wait& operator=(const executor_wait&) = delete;

    static bool await_ready() noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.set_next(waiting, waiting.promise());
        of_.now().leave_by(&leave, this);
    }

    void await_resume() const {
        if (of_.now().is_refused()) {
            throw_cancelled();
        }
    }

private:
    static bool leave(chain& leaving, void* self) {
        auto& wait = *static_cast<executor_wait*>(self);
        scheduler* const before = leaving.on();
        scheduler* const to = scheduler_of(wait.to_);
        bool has_left = false;
        leaving.move_to(to);
        if (to != nullptr) {
            has_left = to->resume_soon(leaving);
        } else if (task_ptr packed = chain_on_its_way::pack(leaving)) {
            const firing call{nullptr, nullptr, leaving.where};
            static_cast<void>(hand_to(wait.to_, std::move(packed), call));
            has_left = true; // or it was refused: then that was reported, and it is gone
        }
        if (!has_left) {
            leaving.move_to(before);
            leaving.now().note_refusal();
        }
        return has_left;
    }

    chain& of_;
    E& to_;
};

/// Does not wait: it has what it was asked for.
class token_wait {
public:
    explicit token_wait(chain& of) noexcept : of_(of) {}
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    stop_token await_resume() const { return of_.token(); }

private:
    chain& of_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
