// SPDX-License-Identifier: MIT
#pragma once

// How an executor counts its coroutines beyond the stretches that it runs, and finds those that
// none of its queues holds. scheduler.hpp has one; chains and outside_wait.hpp make the entries.

#include "../../call_site.hpp"
#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/intrusive_list.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What became of a task. `open` says that of a stretch of a coroutine: it goes on later, or its
/// end has been counted by who accepted it.
enum class fate : std::uint8_t { succeeded, failed, cancelled, expired, dropped, open };

class scheduler;
struct suspended;

/// A coroutine that waits for somebody else's code.
struct wait_entry {
    wait_entry* next = nullptr; ///< on the list of the books, or on one that they have returned
    wait_entry** link = nullptr;
    suspended* coroutine = nullptr;
    scheduler* kept = nullptr; ///< where it waits, until its wait has ended

    /// Whether the coroutine is the caller's now, who closes. Under the books' lock.
    bool (*try_take)(wait_entry& self) noexcept = nullptr;

    /// Then destroys it, as soon as nobody else can touch it. False if its end has been reported
    /// before. *self may be gone afterwards.
    bool (*give_up)(wait_entry& self) = nullptr;

    /// Or has it go on, because its executor asks its tasks to stop. Null: it does not heed that.
    /// *self may be gone afterwards.
    void (*stop)(wait_entry& self) = nullptr;
};

/// A coroutine that runs or waits on another executor than that which has accepted it.
struct away_entry {
    away_entry* next = nullptr; ///< on the list of its home's books
    away_entry** link = nullptr;
    call_site where{};
    const char* name = nullptr;
    scheduler* home = nullptr; ///< the one that has accepted it
    bool is_back = false;      ///< taken off the list by who had it listed
};

/// A coroutine belongs to the executor that it was fired at, wherever it moves: that one counts it
/// as pending until it has ended, and is not quiet before. One that ends in its first stretch is a
/// task like others, and is not entered here.
///
/// What comes into a serial or a conflating executor before the turn for it has been handed over is
/// open, too, until the turn runs: whoever fired it may wait for it (TURN-4, CONFL-3).
///
/// Invariants  BOOKS-1  A coroutine is opened before it leaves its first stretch, and closed once,
///                      when its frames are gone or it has been given up. Who reads closed, then
///                      whether the executor is quiet, then opened, and finds as many opened as
///                      closed, knows that none was open meanwhile.
///             BOOKS-2  Its end is counted here only if it came on another executor, or of no run
///                      at all; else the worker counts it, which has been told by
///                      what the run came to.
///             BOOKS-3  mutex_ guards the lists. No user code runs under it, and no other lock is
///                      taken but that of a wait_queue, which is the inner one.
class coroutine_books {
public:
    /// One that was accepted elsewhere, by an executor that counts nothing, is here from now on.
    void note_accepted(std::uint64_t many = 1) noexcept {
        accepted_.fetch_add(many, std::memory_order_relaxed);
    }

    void note_opened() noexcept { opened_.fetch_add(1, std::memory_order_relaxed); } // BOOKS-1
    void note_closed(std::uint64_t many = 1) noexcept;

    void note_end(fate how, std::uint64_t many = 1) noexcept;

    /// So many were dropped, but not given up: a newer one has come for each.
    void note_replaced(std::uint64_t many) noexcept {
        replaced_.fetch_add(many, std::memory_order_release); // BOOKS-2
    }

    std::uint64_t accepted() const noexcept { return accepted_.load(std::memory_order_relaxed); }
    std::uint64_t opened() const noexcept { return opened_.load(std::memory_order_relaxed); }
    std::uint64_t closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    /// Those of BOOKS-2.
    stats ends() const noexcept;

    /// How many were given up.
    std::uint64_t dropped() const noexcept { return ended_as(fate::dropped); }

    // Those that are away -------------------------------------------------------------------------

    void note_away(away_entry& leaving) noexcept;

    /// False if it has been written off.
    bool note_back(away_entry& back) noexcept;

    /// Gives up all that are away; returns how many. `tell` is called with each of them.
    template <class Tell>
    std::size_t write_off_away(Tell tell) noexcept {
        std::size_t many = 0;
        {
            const library_lock lock(mutex_);
            while (away_entry* const one = away_.first()) {
                tell(*one);
                away_.remove(*one);
                ++many;
            }
        }
        note_end(fate::dropped, many);
        note_closed(many);
        return many;
    }

    // Those that wait for somebody else's code ----------------------------------------------------

    /// Adds one that `may_wait` says is to wait. False if it is not, or if it may wait no more.
    template <class Predicate>
    bool enter_wait(wait_entry& one, Predicate may_wait) noexcept {
        const library_lock lock(mutex_);
        if (are_waits_over_ || (is_stopping_ && one.stop != nullptr) || !may_wait()) {
            return false;
        }
        waits_.add(one);
        waiting_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }

    /// Takes out one that waits no longer. It counts as waiting until note_wait_ended(). If it goes
    /// on elsewhere it is away from here on, as by note_away().
    void leave_wait(wait_entry& one, away_entry* leaving = nullptr) noexcept;
    void note_wait_ended() noexcept { waiting_.fetch_sub(1, std::memory_order_release); }

    /// How many wait, or are about to go on.
    std::size_t waiting() const noexcept { return waiting_.load(std::memory_order_acquire); }

    /// From now on nobody may wait. Takes out those that can be had, and returns them as a list;
    /// the others are about to go on.
    wait_entry* end_waits() noexcept;

    /// The same for those who heed a stop.
    wait_entry* stop_waits() noexcept;

private:
    std::uint64_t ended_as(fate how) const noexcept;

    template <class Predicate>
    wait_entry* take_waits(Predicate which) noexcept;

    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> opened_{0};
    std::atomic<std::uint64_t> closed_{0};
    std::atomic<std::uint64_t> ends_[6]{};
    std::atomic<std::uint64_t> replaced_{0};
    std::atomic<std::size_t> waiting_{0};
    std::mutex mutex_;
    intrusive_list<away_entry> away_;
    intrusive_list<wait_entry> waits_;
    bool are_waits_over_ = false;
    bool is_stopping_ = false;
};

/// Keeps the books open as long as it lives, on behalf of the calling thread: that drops what was
/// accepted, and sinks which it calls do not wait for it.
class open_while_dropping {
public:
    explicit open_while_dropping(coroutine_books& those) noexcept;
    ~open_while_dropping();
    open_while_dropping(const open_while_dropping&) = delete;
    open_while_dropping& operator=(const open_while_dropping&) = delete;

private:
    coroutine_books& books_;
    task_frame frame_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
