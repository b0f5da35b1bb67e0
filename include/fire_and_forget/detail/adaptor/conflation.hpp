// SPDX-License-Identifier: MIT
#pragma once

// The inside of the conflating_executor of ../../conflating_executor.hpp, but for its keys: what
// runs and what waits for one of them.

#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/library_memory.hpp"
#include "../submit/any_core.hpp"
#include "../submit/untyped_call.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One key that has something to do. It is there from the first task until none waits when one has
/// run, and deletes itself then.
///
/// Invariants  CONFL-1  The mutex guards what waits, how many were replaced, and whether the table
///                      leads here. No task is run or destroyed under it.
///             CONFL-2  The table leads here exactly as long as there is a turn: it is with the
///                      executor below, or runs. So at most one task of a key runs.
///             CONFL-3  What comes in before the turn has taken anything is open in the books below
///                      until then, which do not know of a turn that is still being handed over.
class conflated : private suspended, public library_memory {
public:
    conflated(const any_core& on, const call_site& first, std::mutex& guard,
              std::atomic<std::uint64_t>& replaced) noexcept;
    conflated(const conflated&) = delete;
    conflated& operator=(const conflated&) = delete;

    /// Has `task` wait, in the place of what waits; that is the caller's then. Under the mutex.
    void replace(task_ptr& task) noexcept;

    /// Has the first turn run, of `task`, which waits here. What is refused is the caller's again,
    /// unless a newer one has replaced it meanwhile. *this may be gone afterwards.
    refusal begin(task_ptr& task);

protected:
    virtual ~conflated() = default;

private:
    struct taken {
        task_ptr task;
        std::uint64_t replaced;
        bool was_open;
    };

    /// Has the table forget it. Under the mutex.
    virtual void leave_table() noexcept = 0;

    refusal start();
    fate run_turn();
    taken take() noexcept;
    bool end_turn() noexcept;
    void count(const taken& from) noexcept;
    void drop(taken from);
    void drop_rest();

    const any_core core_;
    coroutine_books& books_;
    std::mutex& mutex_;
    std::atomic<std::uint64_t>& replaced_in_all_;
    task_ptr waiting_;
    std::uint64_t replaced_ = 0;
    bool has_taken_ = false; ///< the turn has
    bool is_open_ = false;   ///< in the books // CONFL-3
};

/// Fires at one key, which `accept` gives a task to. A coroutine stays on what `core` stands on, if
/// that is somebody else's.
submission fire_at_key(const any_core& core, const untyped_call& call,
                       function_ref<refusal(task_ptr&)> accept);

/// Whether a task can be conflated: it must not wait for its time, nor repeat. Then it belongs to
/// the sets that `core` stands on.
refusal prepare_to_conflate(const any_core& core, task_ptr& task);

/// Inside a handler: why a task is refused whose key has thrown, or found no memory.
refusal refusal_for_key();

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
