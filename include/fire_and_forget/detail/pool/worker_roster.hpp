// SPDX-License-Identifier: MIT
#pragma once

// The worker threads of one pool and what each is doing. Not thread-safe: the pool's mutex guards
// it.

#include "../../call_site.hpp"
#include "../errors/bounded_text.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "worker.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Owns the workers that are on it. By plain pointers: a std::unique_ptr of a further type costs
/// each includer more compile time than it is worth in a list of forty lines.
class worker_roster {
public:
    explicit worker_roster(lane_set& lanes) noexcept : lanes_(lanes) {}
    ~worker_roster();
    worker_roster(const worker_roster&) = delete;
    worker_roster& operator=(const worker_roster&) = delete;

    /// Threads that have not left.
    std::size_t alive() const noexcept { return alive_; }

    /// A record for one more worker, which is on the roster from here on; null if there is no
    /// memory for it, or if no thread is to be tried yet. A row of failures is `trouble` only once.
    worker* enroll(const call_site& where, thread_trouble& trouble);

    /// Starts its thread, which runs `body(executor, record)`; false if it could not, and why: then
    /// the record is to be withdrawn. Without the lock: who starts a thread may be stopped
    /// half-way, and others must be able to go on.
    bool start(worker& recruit, thread_body body, void* executor, std::size_t stack_size,
               std::exception_ptr& why) noexcept;

    thread_trouble withdraw(worker& recruit, const call_site& where,
                            std::exception_ptr why) noexcept;

    /// How many have been hired so far.
    unsigned hired() const noexcept { return hired_; }

    /// What is thought of those that are at no task, although tasks wait: that they are about to
    /// take one, whatever they seem to do. Or, where nothing gets on, what they are seen to do:
    /// they may have been stopped, or else wait for a processor.
    enum class between_tasks : std::uint8_t { able, as_seen };

    /// Counts those that are not known to be blocked, up to `enough` or until so many are blocked
    /// that there can't be as many: to ask takes long. Not knowing is no reason to hire. One that
    /// has not begun yet is about to. And one that is at a lock may be at one of the allocator's,
    /// as all are now and then: where many threads want a processor, who holds it is off for long,
    /// and more threads would wait for it as well. So that one is blocked only after a while.
    unsigned count_able(unsigned enough, steady_time now,
                        between_tasks between = between_tasks::able) noexcept;

    /// Notes since when each has been busy with the task it has now.
    void note_busy(steady_time now) noexcept;

    /// Appends what keeps the workers, as far as there is room.
    void describe_busy(text_writer& text, steady_time now) const;

    /// Takes ownership, and gives it the next number, from 1, and the smallest index that is free.
    void add(worker* recruit) noexcept;

    /// Puts one on it that is no worker, but runs tasks inside of that of one. It stays the
    /// caller's, and is to be let go.
    void add_guest(worker& guest) noexcept;

    /// Takes out one that leaves: its record is the caller's.
    void let_go(worker& gone) noexcept;

    /// What the tasks of all came to, those that have left included.
    task_counts counts() const noexcept;

    /// The record of the calling thread, if it is a worker's.
    worker* of_this_thread() const noexcept;

    /// True if none is left but those that nobody waits for.
    bool is_deserted() const noexcept;

    /// Gives up what runs, but for the calling thread.
    write_offs write_off_running(abandoned_tasks& abandoned) noexcept;

private:
    static bool is_able(worker& one, steady_time now, between_tasks between) noexcept;
    static bool is_blocked(worker& one, long number, steady_time now) noexcept;

    void take_out(const worker& gone) noexcept;

    lane_set& lanes_;
    worker* first_ = nullptr; ///< in the order of their indices
    task_counts departed_;
    std::size_t alive_ = 0;
    unsigned hired_ = 0;
    unsigned last_number_ = 0;
    hiring_pause pause_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
