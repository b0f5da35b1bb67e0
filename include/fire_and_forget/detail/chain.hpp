// SPDX-License-Identifier: MIT
#pragma once

// A fired coroutine as a whole: all the frames that wait for each other, from the one that was fired
// to the one that runs or waits. coroutine.hpp starts it, a scheduler continues it.

#include "../error_report.hpp"
#include "../thread_pool.hpp"
#include "attempt.hpp"
#include "frame_pool.hpp"
#include "platform.hpp"
#include "run_task.hpp"
#include "scheduler.hpp"
#include "task.hpp"
#include "thread_state.hpp"
#include "time.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf {

/// Thrown by a co_await in a task that was asked to stop: it is meant to unwind the coroutine. Where
/// it leaves the outermost one, the task is reported as cancelled and not as failed.
class task_cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "the task was asked to stop"; }
};

namespace detail {

/// Without exceptions, what was to be cancelled ends early instead.
inline void throw_cancelled() {
#if defined(__cpp_exceptions)
    throw task_cancelled();
#endif
}

/// The default pool's. A template, for its name is not known to be a scheduler's before.
template <class Core = pool_core>
scheduler* default_scheduler() noexcept {
    if constexpr (std::is_base_of_v<scheduler, Core>) {
        return std::addressof<Core>(default_core());
    } else {
        return nullptr;
    }
}

class chain;

/// Frames come from the pool, as objects with a chain in them do.
struct from_frame_pool {
    static void* operator new(std::size_t size) {
        void* const memory = frame_pool::allocate(size);
#if defined(__cpp_exceptions)
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
#endif
        return memory;
    }
    static void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
        return frame_pool::allocate(size);
    }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool::release(memory, size);
    }
};

/// What stands between a coroutine and the one it awaits. Lives in the frame of the former and owns
/// the frame of the latter.
struct link_to_child {
    std::coroutine_handle<> child;
    std::coroutine_handle<> parent{};
    struct frame_link* parent_link = nullptr;
};

/// What the promises of all coroutines of a chain have in common.
struct frame_link {
    chain* of = nullptr;
    link_to_child* awaited_by = nullptr; ///< null for the outermost
};

/// How a chain of one type ends.
struct chain_type {
    /// Tells the run what the outermost coroutine returned, if that is an error. It has ended.
    void (*look)(chain&, task_run&);

    /// Destroys all but the frames that the outermost awaits. May throw.
    void (*destroy)(chain&);
};

/// One run of a chain, up to its next suspension or its end, on the stack of the thread it runs on.
///
/// Coroutines do not resume each other: whoever awaits another, or ends, says who is next and
/// returns here. So the stack does not grow with the chain, on any compiler and without
/// optimization, which symmetric transfer needs on GCC. And a chain that waits for something is
/// handed over only here, when none of its code is on this thread's stack any more.
class stretch {
public:
    /// Hands the chain to whoever will resume it: it may be gone then. False if that could not be
    /// done or is not needed: then it goes on at once.
    using departure = bool (*)(chain& leaving, void* awaiter);

    stretch(chain& of, const chain_type& type) noexcept : of_(&of), type_(type) {}
    stretch(const stretch&) = delete;
    stretch& operator=(const stretch&) = delete;
    /// Only a thread that is being ended gets here with a chain.
    ~stretch() {
        attempt([&] { destroy_chain(); }, [] {});
    }

    void attach(task_run& by) noexcept;
    void go();

    /// Destroys the chain if it has not left. May throw.
    void destroy_chain();

    task_run& run() const noexcept { return *run_; }

    void leave_by(departure how, void* awaiter) noexcept {
        leave_ = how;
        awaiter_ = awaiter;
    }
    void note_return() noexcept { has_returned_ = true; }

    /// That leaving failed, for which the wait is to be cancelled.
    void note_refusal() noexcept { is_refused_ = true; }
    bool is_refused() const noexcept { return is_refused_; }

    const chain_type& type() const noexcept { return type_; }

private:
    chain* of_; ///< null when it has left
    const chain_type& type_;
    task_run* run_ = nullptr;
    departure leave_ = nullptr;
    void* awaiter_ = nullptr;
    bool is_refused_ = false;
    bool has_returned_ = false;                     ///< the outermost coroutine has come to its end
    std::unique_ptr<struct chain_details> details_; ///< reports need them longer than the chain
};

/// What only coroutines have that were fired with options, or ask for both stop_tokens.
struct chain_details {
    task_details of_task;
    steady_time due; ///< the times of its first stretch, for reports
    steady_time started;
    std::optional<either_stop> either{};
    std::optional<stop_watch> watch{}; ///< while it sleeps
};

/// Invariants  K1  At any time one thread runs it (now_ leads to its stretch), or it is suspended
///                 and belongs to whoever will resume it. Handing it over publishes all it wrote;
///                 that is the business of the scheduler's or the completion's own locks and orders.
///             K2  Frames are destroyed from the innermost outwards, in a loop: a long chain must
///                 not overflow the stack when it is given up.
class chain : public suspended {
public:
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;

    stretch& now() noexcept { return *now_; }

    /// Says which of its coroutines is to run next, or when it is resumed.
    void set_next(std::coroutine_handle<> frame, frame_link& link) noexcept {
        next_ = frame;
        next_link_ = &link;
    }

    /// Where it continues. On an executor of somebody else's that is the default pool.
    scheduler* on() const noexcept { return on_; }
    scheduler* settle_on_scheduler() noexcept {
        return on_ != nullptr ? on_ : on_ = default_scheduler();
    }
    void move_to(scheduler* other) noexcept { on_ = other; }

    /// Whether it is asked to stop, by its own token or its executor's. While it runs.
    bool is_asked_to_stop() const noexcept {
        return is_asked_by_own_token() || now_->run().on().stop.stop_requested();
    }
    bool is_asked_by_own_token() const noexcept {
        return details_ != nullptr && details_->of_task.stop.stop_requested();
    }

    /// A token that both stop. While it runs.
    stop_token token() {
        const host& host = now_->run().on();
        if (details_ == nullptr || !details_->of_task.stop.stop_possible()) {
            return host.stop;
        }
        if (!details_->either) {
            details_->either.emplace(details_->of_task.stop, host.stop);
        }
        return details_->either->get_token();
    }

    chain_details* details() noexcept { return details_.get(); }

    /// Settles it where it can't be continued any more.
    static void abandon(chain& lost, std::string_view why) {
        static constexpr task_type reported_only{};
        const stored_task task{reported_only, nullptr, lost.where, lost.name,
                               lost.details_ ? &lost.details_->of_task : nullptr};
        task_run(task, foreign_host()).drop(failure::abandoned, why);
        lost.destroy(lost);
    }

protected:
    /// Of a type that has `how_it_ends`. That is known to the two functions only: a pointer less.
    template <class Derived>
    explicit chain(std::in_place_type_t<Derived>) noexcept {
        is_resumption = true;
        resume = &resume_chain<Derived>;
        destroy = &destroy_chain<Derived>;
        wants_to_stop = [](const suspended& sleeper) {
            const auto& self = static_cast<const chain&>(sleeper);
            return self.is_asked_by_own_token() || self.on_->is_stopping();
        };
    }
    ~chain() = default;

    /// The task that it goes on from. Throws if there is no memory for its details.
    void adopt(const task_run& first) {
        where = first.task().where;
        name = first.task().name;
        on_ = first.on().home;
        if (const task_details* const given = first.task().details) {
            details_.reset(new chain_details{
                {given->stop, given->on_error}, first.task().due, first.started()});
        }
    }

private:
    friend class stretch;

    stored_task task_of(stretch& run) const noexcept {
        if (details_ == nullptr) {
            return {runs_stretch, &run, where, name};
        }
        return {runs_stretch, &run, where, name, &details_->of_task, details_->due};
    }

    template <class Derived>
    static fate resume_chain(suspended& one) {
        const host& on = *static_cast<const host*>(this_thread.running->on);
        auto& self = static_cast<chain&>(one);
        const steady_time started = self.details_ ? self.details_->started : steady_time();
        stretch next(self, Derived::how_it_ends);
        return task_run(self.task_of(next), on).resumed(started);
    }

    template <class Derived>
    static void destroy_chain(suspended& one) {
        auto& self = static_cast<chain&>(one);
        stretch last(self, Derived::how_it_ends);
        discard(self.task_of(last));
    }

    /// All frames but the outermost. // K2
    void destroy_awaited() {
        while (link_to_child* const link = next_link_->awaited_by) {
            next_link_ = link->parent_link;
            std::exchange(link->child, nullptr).destroy();
        }
    }

    static constexpr task_type runs_stretch{
        [](void* self, task_run& run) {
            static_cast<stretch*>(self)->attach(run);
            static_cast<stretch*>(self)->go();
        },
        [](void* self) { static_cast<stretch*>(self)->destroy_chain(); }, 0, 1};

    scheduler* on_ = nullptr;
    stretch* now_ = nullptr;
    std::coroutine_handle<> next_{}; ///< the one that runs, while one does
    frame_link* next_link_ = nullptr;
    std::unique_ptr<chain_details> details_;
};

inline void stretch::attach(task_run& by) noexcept {
    run_ = &by;
    of_->now_ = this; // K1
}

inline void stretch::go() {
    for (;;) {
        of_->next_.resume();
        if (has_returned_) {
            type_.look(*of_, *run_);
            return;
        }
        if (leave_ != nullptr && std::exchange(leave_, nullptr)(*of_, awaiter_)) {
            of_ = nullptr; // K1
            return;
        }
    }
}

inline void stretch::destroy_chain() {
    if (chain* const over = std::exchange(of_, nullptr)) {
        details_ = std::move(over->details_);
        if (over->next_link_ != nullptr) {
            over->destroy_awaited();
        }
        type_.destroy(*over);
    }
}

} // namespace detail
} // namespace faf
