// SPDX-License-Identifier: MIT
#pragma once

// Who has a thread of its own, who waits for one, and what became of those before. own_threads.hpp
// starts the threads and runs what they are for.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../../stats.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../executor/closing.hpp"
#include "../executor/quiescence.hpp"
#include "../executor/running_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../task/coroutine_books.hpp"
#include "task_counts.hpp"
#include "thread_line.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Takes the mutex of its executor for each step, so that each is seen whole, and tells those who
/// wait for quiet. `most` is how many threads there may be.
///
/// Invariants  OWN-1  A record is in running_ from before its thread starts, or a thread takes
///                    it from the line, until after its task is settled.
class own_thread_roster {
public:
    /// A task or a coroutine: it waits, or a thread runs it, which owns it then.
    using record = thread_line::entry;

    own_thread_roster(quiescence& quiet, closing& end) noexcept : quiet_(quiet), end_(end) {}

    // What is fired -------------------------------------------------------------------------------

    /// Enters it with the thread that is about to be started for it, or says why it gets none.
    refusal enter(record& fresh, std::size_t most) noexcept;

    /// It could not be started. False if closing has reported the task as abandoned meanwhile.
    bool take_back(record& fresh) noexcept;

    // What waits for a thread ---------------------------------------------------------------------

    void line_up(record& last) noexcept;

    /// Counts a thread that is about to be started for what waits, and says where the first of that
    /// was fired. Nothing if none is to be started.
    std::optional<call_site> send_thread(std::size_t most) noexcept;

    /// It could not be started; the trouble is to be reported if it is new. What waits goes on
    /// waiting.
    thread_trouble note_no_thread(const call_site& where, std::exception_ptr why) noexcept;

    /// When to send one again for what waits in vain; never if nothing does.
    steady_time next_try(std::size_t most) const noexcept;

    /// The system gives threads. Needs no mutex.
    void note_started() noexcept { line_.note_started(); }

    /// Gives up all that wait, which are the caller's then, one behind the other.
    record* give_up_waiting() noexcept;

    // Threads -------------------------------------------------------------------------------------

    /// What a thread begins with: `first`, which it was started for, or what waits longest. Null if
    /// it has come in vain.
    record* begin(record* first, std::size_t most) noexcept;

    /// What it goes on with, if anything waits: then `done` is settled.
    record* next(record& done, fate result, std::size_t most) noexcept;

    /// It is about to end; `last` is settled, if it is not null. Whether another is to be sent for
    /// what has come to wait meanwhile.
    bool end_thread(record* last, fate result, std::size_t most) noexcept;

    // Under the mutex -----------------------------------------------------------------------------

    /// Gives up what runs, but for that of the calling thread; returns how many.
    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept;

    /// Whether nothing waits and no more than `own` run.
    bool is_quiet(std::size_t own) const noexcept;

    std::uint64_t admissions() const noexcept { return admissions_; }
    std::size_t running() const noexcept { return running_.count(); }

    /// Adds what has been accepted here, and what became of it.
    void add_to(stats& all) const noexcept;

private:
    record* pop(std::size_t most) noexcept;
    void settle(record& self, fate result) noexcept;
    bool unlink(record& gone) noexcept;

    quiescence& quiet_;
    closing& end_;
    running_tasks running_;
    task_counts ended_;
    std::uint64_t accepted_ = 0; ///< but for those that had to wait for their time
    std::uint64_t admissions_ = 0;
    std::uint64_t resumptions_ = 0;
    thread_line line_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
