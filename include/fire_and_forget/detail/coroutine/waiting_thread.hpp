// SPDX-License-Identifier: MIT
#pragma once

// A thread that waits for a coroutine, and runs it meanwhile. The sync_wait of ../../sync_wait.hpp
// is made of this.

#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/thread_state.hpp"
#include "../submit/job.hpp"
#include "../submit/kept_executor.hpp"
#include "chain.hpp"

#include <condition_variable>
#include <coroutine>
#include <mutex>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// An executor whose jobs the thread runs that has made it.
///
/// Invariant  Who touches it does so under the mutex to his last step, and run_until_over() takes
///            that again before it returns: then nobody is left inside.
class waiting_thread {
public:
    waiting_thread() = default;
    waiting_thread(const waiting_thread&) = delete;
    waiting_thread& operator=(const waiting_thread&) = delete;

    void execute(job work);

    /// The coroutine is gone: nothing more is to be run.
    void note_over();

    void run_until_over();

    const task_frame* const inside = this_thread.running; ///< what it can't end meanwhile

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<job, library_allocator<job>> jobs_;
    bool is_over_ = false;
};

/// What goes on there needs no detour, which might end where its thread waits, or at an executor
/// that has closed.
template <>
inline constexpr bool only_queues<waiting_thread> = true;

/// Does not wait: tells the coroutine, which was fired there, who waits for it.
class awaited_by_thread {
public:
    awaited_by_thread(chain& of, const waiting_thread& thread) noexcept {
        of.details()->awaited_by_thread = thread.inside; // it has details, for it stays there
    }
    static bool await_ready() noexcept { return true; }
    static void await_suspend(std::coroutine_handle<>) noexcept {}
    static void await_resume() noexcept {}
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
