// SPDX-License-Identifier: MIT
#pragma once

// The worker threads of one pool and what each is doing. Not thread-safe: the pool's mutex guards
// it.

#include "../../call_site.hpp"
#include "../errors/bounded_text.hpp"
#include "../errors/describe.hpp"
#include "../errors/stderr_sink.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/cpu_use.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "worker.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Owns the workers that are on it. By plain pointers: a std::unique_ptr of a further type costs
/// each includer more compile time than it is worth in a list of forty lines.
class worker_roster {
public:
    explicit worker_roster(const lane_set& lanes) noexcept : lanes_(lanes) {}
    ~worker_roster() {
        while (worker* const last = first_) {
            first_ = last->next;
            delete last;
        }
    }
    worker_roster(const worker_roster&) = delete;
    worker_roster& operator=(const worker_roster&) = delete;

    /// Threads that have not left.
    std::size_t alive() const noexcept { return alive_; }

    /// A record for one more worker, which is on the roster from here on; null if there is no memory
    /// for it, or if no thread is to be tried yet. A row of failures is `trouble` only once.
    worker* enroll(bool as_extra, const call_site& where, thread_trouble& trouble) {
        if (!pause_.is_over()) {
            return nullptr;
        }
        auto* const recruit = new (std::nothrow) worker(lanes_);
        if (recruit == nullptr) {
            trouble = pause_.begin(where, nullptr);
            return nullptr;
        }
        recruit->number = next_number();
        recruit->is_extra = as_extra;
        add(recruit);
        return recruit;
    }

    /// Starts its thread, which runs `body(executor, record)`; false if it could not, and why: then
    /// the record is to be withdrawn. Without the lock: who starts a thread may be stopped half-way,
    /// and others must be able to go on.
    bool start(worker& recruit, thread_body body, void* executor,
               std::exception_ptr& why) noexcept {
        const bool is_started = start_thread(body, executor, &recruit, why);
        if (is_started) {
            pause_.end();
        }
        return is_started;
    }

    thread_trouble withdraw(worker& recruit, const call_site& where,
                            std::exception_ptr why) noexcept {
        take_out(recruit);
        --hired_;
        delete &recruit;
        return pause_.begin(where, std::move(why));
    }

    /// The number that the next worker is known by, from 1.
    unsigned next_number() const noexcept { return last_number_ + 1; }

    /// How many have been hired so far.
    unsigned hired() const noexcept { return hired_; }

    /// Whether those count as able to work that have no task, although tasks wait: they may be about to
    /// take one, or have been stopped.
    enum class without_task : std::uint8_t { able, unable };

    /// Counts those that are not known to be blocked, up to `enough`: not knowing is no reason to hire.
    /// One that has not begun yet is about to.
    unsigned count_able(unsigned enough, steady_time now,
                        without_task idle = without_task::able) noexcept {
        unsigned able = 0;
        for (worker* one = first_; one != nullptr && able < enough; one = one->next) {
            const long number = one->thread_number.load(std::memory_order_relaxed);
            const bool may_be = idle == without_task::able || one->taker.is_running();
            able += may_be && (number == 0 || !is_blocked(*one, number, now)) ? 1U : 0U;
        }
        return able;
    }

    /// Notes since when each has been busy with the task it has now.
    void note_busy(steady_time now) noexcept {
        for (worker* one = first_; one != nullptr; one = one->next) {
            const std::uint64_t ended = one->counts.all();
            if (ended != one->ended_by_then || one->busy_since == steady_time()) {
                one->ended_by_then = ended;
                one->busy_since = now;
            }
        }
    }

    /// Appends what keeps the workers, as far as there is room.
    void describe_busy(text_writer& text, steady_time now) const {
        constexpr unsigned most_named = 8;
        unsigned named = 0;
        for (const worker* one = first_; one != nullptr && named < most_named; one = one->next) {
            if (one->taker.is_running()) {
                text.append(named++ == 0 ? "" : ", ");
                append_task(text, or_empty(one->taker.name()), one->taker.where());
                text.append(" for ");
                text.append_number((now - one->busy_since) / std::chrono::milliseconds(1));
                text.append(" ms");
            }
        }
    }

    /// When the next worker may be hired after a failure.
    const hiring_pause& pause() const noexcept { return pause_; }

    /// Takes ownership.
    void add(worker* recruit) noexcept {
        ++last_number_;
        ++hired_;
        ++alive_;
        recruit->next = first_;
        first_ = recruit;
    }

    /// Takes out one that leaves: its record is the caller's.
    void let_go(worker& gone) noexcept {
        departed_ += gone.counts.read();
        take_out(gone);
    }

    /// What the tasks of all came to, those that have left included.
    task_counts counts() const noexcept {
        task_counts all = departed_;
        for (const worker* one = first_; one != nullptr; one = one->next) {
            all += one->counts.read();
        }
        return all;
    }

    /// The record of the calling thread, if it is a worker's.
    worker* of_this_thread() const noexcept {
        worker* one = first_;
        while (one != nullptr && one->id.load() != std::this_thread::get_id()) {
            one = one->next;
        }
        return one;
    }

    /// True if none is left but those that nobody waits for.
    bool is_deserted() const noexcept {
        for (const worker* one = first_; one != nullptr; one = one->next) {
            if (!one->taker.is_written_off()) {
                return false;
            }
        }
        return true;
    }

    /// Gives up what runs, but for the calling thread; counts that in `lost`.
    void write_off_running(abandoned_tasks& abandoned, write_offs& lost) noexcept {
        for (worker* one = first_; one != nullptr; one = one->next) {
            if (one->id.load() != std::this_thread::get_id()) {
                lost.add(one->taker, abandoned);
            }
        }
    }

private:
    static bool is_blocked(worker& one, long number, steady_time now) noexcept {
        thread_activity what = activity_of(number);
        if (what == thread_activity::unknown) {
            const std::chrono::nanoseconds used = cpu_time_of(number);
            what = used.count() < 0 ? what : one.use.note(now, used);
        }
        return what == thread_activity::blocked;
    }

    void take_out(const worker& gone) noexcept {
        --alive_;
        worker** link = &first_;
        while (*link != &gone) {
            link = &(*link)->next;
        }
        *link = gone.next;
    }

    const lane_set& lanes_;
    worker* first_ = nullptr;
    task_counts departed_;
    std::size_t alive_ = 0;
    unsigned hired_ = 0;
    unsigned last_number_ = 0;
    hiring_pause pause_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
