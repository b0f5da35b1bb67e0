// SPDX-License-Identifier: MIT
#pragma once

// The thread that looks after the executors of the program: when something is due, and every few
// milliseconds while they work.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/alarm_clock.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/head_start.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/time.hpp"
#include "errands.hpp"
#include "thread_start.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What the keeper looks after.
class ward {
public:
    ward() noexcept = default;
    ward(const ward&) = delete;
    ward& operator=(const ward&) = delete;

    struct visit {
        steady_time next = never; ///< when to come again at the latest
        bool is_active = false;   ///< an idle ward calls notice_activity() when it wakes
    };

    /// Does what is due. No lock is held meanwhile, but the keeper looks after all: it must not
    /// take long, and runs no code of users.
    virtual visit look_after(steady_time now) = 0;

    /// Whether something has come since the last visit that may be due earlier. Must only look.
    virtual bool has_news() const noexcept = 0;

    /// Keeps it from ending during a visit; false if it is about to, from then on for ever.
    virtual bool try_hold() noexcept = 0;
    virtual void let_go() noexcept = 0;

protected:
    virtual ~ward() = default;

private:
    friend class keeper;
    ward* next_ = nullptr;
    std::uint64_t round_ = 0;
    bool is_ending_ = false; ///< it could not be held, and won't be
    bool is_enlisted_ = false;
};

/// One for all executors. While any of them is active it looks after them every 5 ms, or sooner if
/// one wants that; when all have been idle for a few rounds it sleeps until something is due, so
/// that an idle program has no wake-ups at all.
///
/// Who calls it takes no lock, and relies on nobody else's call: the keeper itself says that it is
/// up. So whatever call the system has lost, the next one makes up for it.
///
/// Orderings  KEEPER-1  The keeper stores is_parked_, fences and then looks after all once more
///                      before it sleeps. Who has something for it to watch, a worker that wakes up
///                      or a ring that is to be answered, says so in the doorbell, fences and then
///                      reads is_parked_. So either it sees the keeper parked or
///                      the keeper sees that.
///            KEEPER-2  The keeper stores gets_up_ before it asks all for news and sleeps. Who adds
///                      a deadline makes that news before it reads gets_up_. All are seq_cst:
///                      either it is told of the deadline or it finds it.
///            KEEPER-3  That the thread is there is said by itself, before anything of KEEPER-1 and
///                      KEEPER-2, and taken back under the lock, after these. So who sees it asleep
///                      knows that it may be called.
/// Cost       notice_activity() and sleeps_past() are a load each; waking it is a system call.
class keeper {
public:
    static constexpr std::chrono::milliseconds tick{5};

    static keeper& instance() noexcept { return of_process.get(); }

    /// False if it looks after that one already.
    bool enlist(ward& fresh) noexcept;

    /// Before the end of `gone`, when it can't be held any more: so no visit is under way.
    void strike_off(ward& gone) noexcept;

    /// It need not look after `gone` any more. If that was the last one, the thread ends: when this
    /// returns, nothing of it runs any more, unless there is another ward by now: then false.
    bool dismiss(ward& gone) noexcept;

    /// A worker woke up. The first one starts the keeper's thread; if that can't be had, a later
    /// one tries again.
    void notice_activity();

    /// A sleeper was rung for: the keeper sees to it that one comes. The same for a caller who must
    /// not be kept by the start of a thread.
    void notice_ring() noexcept;

    /// Has it come by at once, if there is a thread. Where a lost call does no harm: then it comes
    /// at the next tick.
    void call() noexcept {
        if (has_thread()) {
            alarm_.call();
        }
    }

    /// Whether it has to be told of something that is due at `due`.
    bool sleeps_past(steady_time due) const noexcept { return due < gets_up_.load(); } // KEEPER-2

    /// Tells it. If there is no thread to see to it, that is trouble to be reported.
    thread_trouble notice_deadline(const call_site& where);

    /// For who waits in vain: if a call was lost, or a thread refused, this is another try.
    void insist();

    /// False if nobody looks after anything, for want of a thread.
    bool has_thread() const noexcept { return thread_.load() == presence::there; } // KEEPER-3

private:
    static one_per_process<keeper> of_process;

    static constexpr unsigned idle_rounds = 4;

    enum class presence : std::uint8_t { none, starting, there };

    thread_trouble wake(const call_site& where);

    /// Without the lock: the caller may be stopped half-way, and nobody is to wait for it.
    thread_trouble start(const call_site& where);

    void live();

    /// Until `due`, unless it was called since `seen` was read.
    void sleep(std::uint32_t seen, steady_time due) noexcept;

    /// If it is enlisted. The thread ends when there is none.
    void unlink(ward& gone) noexcept;

    static steady_time look_after_signals(std::unique_lock<std::mutex>& lock);

    bool has_news() const noexcept;

    /// Visits all, without the lock, for that takes long, and others make executors and end them
    /// meanwhile. As the list may be another one then, wards remember the round
    /// of their last visit.
    ward::visit look_after_all(std::unique_lock<std::mutex>& lock);

    /// One that has not been visited in this round, held. Under the lock.
    ward* next_ward() noexcept;

    std::mutex mutex_;             ///< of the list
    std::condition_variable gone_; ///< the thread
    std::thread::id id_{};
    ward* first_ = nullptr;
    std::uint64_t round_ = 0;

    alarm_clock alarm_;
    head_start before_due_;
    std::atomic<bool> wants_ticks_{false}; ///< there is something to watch
    std::atomic<bool> is_parked_{true};    ///< changed by the keeper only
    std::atomic<steady_time> gets_up_{never};

    std::atomic<presence> thread_{presence::none};
    hiring_pause pause_; ///< of whoever is starting it
};

inline constinit one_per_process<keeper> keeper::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
