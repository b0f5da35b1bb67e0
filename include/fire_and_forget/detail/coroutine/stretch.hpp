// SPDX-License-Identifier: MIT
#pragma once

// How a chain of coroutines (chain.hpp) runs on a thread, and how its frames are linked.

#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../task/member_frame.hpp"
#include "../task/scheduler.hpp"
#include "../task/task_run.hpp"
#include "chain_account.hpp"

#include <coroutine>
#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class chain;
struct chain_details;

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

    stretch(chain& of, const chain_type& type) noexcept;
    stretch(const stretch&) = delete;
    stretch& operator=(const stretch&) = delete;
    /// Only a thread that is being ended gets here with a chain.
    ~stretch();

    void attach(task_run& by) noexcept;
    void go();

    /// Before that: what awaits it, which is not to be looked at when it has left.
    void note_awaited(awaited_inside& by) noexcept { awaited_ = &by; }

    /// Before that: it is a job of somebody else's executor. Whoever runs that counts the job.
    void be_job() noexcept { is_job_ = true; }

    /// Destroys the chain if it has not left. May throw.
    void destroy_chain();

    /// After that: tells the chain's executor `how` it has ended, if it has. What the run is to be
    /// counted as.
    fate settle(fate how, repetition answer = repetition::go_on) noexcept;

    task_run& run() const noexcept { return *run_; }
    const scheduler* ran_on() const noexcept { return ran_on_; }

    /// What its executor counts of it; null if that counts nothing.
    running_item* item() const noexcept;

    void leave_by(departure how, void* awaiter) noexcept;
    void note_return() noexcept { has_returned_ = true; }

    /// That leaving failed, for which the wait is to be cancelled.
    void note_refusal() noexcept { is_refused_ = true; }
    bool is_refused() const noexcept { return is_refused_; }

    const chain_type& type() const noexcept { return type_; }

private:
    bool try_leave();

    chain* of_; ///< null when it has left
    const chain_type& type_;
    task_run* run_ = nullptr;
    departure leave_ = nullptr;
    void* awaiter_ = nullptr;
    awaited_inside* awaited_ = nullptr;
    bool is_refused_ = false;
    bool is_job_ = false;
    const scheduler* ran_on_ = nullptr;
    bool is_over_ = false;                   ///< the chain is gone
    bool is_settled_ = false;                ///< and its executor has been told
    chain_account account_{};                ///< of the chain that is gone
    bool has_returned_ = false;              ///< the outermost coroutine has come to its end
    std::unique_ptr<chain_details> details_; ///< reports need them longer than the chain
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
