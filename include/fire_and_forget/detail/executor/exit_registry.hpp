// SPDX-License-Identifier: MIT
#pragma once

// The end of the program: every executor that holds tasks is enlisted here, and one atexit step
// lets them finish within their deadlines, each by its closing.hpp.

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/intrusive_list.hpp"
#include "../platform/process.hpp"
#include "../platform/time.hpp"
#include "shutdown_participant.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// All executors that take part in the end of the program, and the step that ends them.
///
/// The exiting thread does not run tasks: one that picks up a task without an end would miss every
/// deadline.
class exit_registry {
public:
    /// Threads that exit() leaves running may come by until the very end, so it is never destroyed.
    static exit_registry& instance() noexcept;

    /// Adds one, and registers the exit step if none is due. Handlers run in reverse order of
    /// registration: what was built before the first pool is still there while tasks end. When exit
    /// has been through already, the step runs again right after the handler it is called from.
    void enlist(shutdown_participant& fresh) noexcept;

    /// One of them begins to work. If that is new, the step is registered once more: its owner is
    /// complete by now, and if that has static storage, it is destroyed after the step. So all wait
    /// for their deadlines together, and not each of them in its owner's destructor.
    void note_work() noexcept;

    void strike_off(shutdown_participant& gone) noexcept;

private:
    class exiting_thread;

    static one_per_process<exit_registry> of_process;

    static void register_step() noexcept;
    static void exit_here();
    static void exit_meanwhile_here();
    void exit();
    void wait_for_all(steady_time start, sink_time& for_sinks);
    steady_time latest_end(steady_time start);
    std::uint64_t admissions(steady_time start);
    void for_each(function_ref<void(closing&)> visit);
    shutdown_participant* keep_next(const shutdown_participant* from) noexcept;

    std::mutex mutex_;
    shutdown_participant* first_ = nullptr;
    intrusive_list<exiting_thread> exiting_; ///< those that are in the step
    std::thread::id first_to_exit_;          ///< of those that have been in the step
    std::condition_variable one_is_done_;

    bool is_due_ = false;
    bool has_new_one_ = false; ///< for which note_work() has not been called
    const long process_ = process_number();
};
inline constinit one_per_process<exit_registry> exit_registry::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
