// SPDX-License-Identifier: MIT
#pragma once

// How a chain of coroutines (chain.hpp) runs on a thread, and how its frames are linked.

#include "abi.hpp"
#include "run_task.hpp"

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
    bool has_returned_ = false;              ///< the outermost coroutine has come to its end
    std::unique_ptr<chain_details> details_; ///< reports need them longer than the chain
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
