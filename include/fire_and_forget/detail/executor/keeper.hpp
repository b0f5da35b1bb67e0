// SPDX-License-Identifier: MIT
#pragma once

// The thread that looks after the executors of the program: when something is due, and every few
// milliseconds while they work.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/alarm_clock.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/time.hpp"
#include "errands.hpp"
#include "thread_start.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

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

    /// Does what is due. No lock is held meanwhile, but the keeper looks after all: it must not take
    /// long, and runs no code of users.
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

/// One for all executors. While any of them is active it looks after them every 5 ms; when all have
/// been idle for a few rounds it sleeps until something is due, so that an idle program has no
/// wake-ups at all.
///
/// Who calls it takes no lock, and relies on nobody else's call: the keeper itself says that it is up.
/// So whatever call the system has lost, the next one makes up for it.
///
/// Orderings  KEEPER-1  The keeper stores is_parked_, fences and then looks after all once more before
///                      it sleeps. Who has something for it to watch, a worker that wakes up or a
///                      ring that is to be answered, says so in the doorbell, fences and then reads
///                      is_parked_. So either it sees the keeper parked or the keeper sees that.
///            KEEPER-2  The keeper stores gets_up_ before it asks all for news and sleeps. Who adds
///                      a deadline makes that news before it reads gets_up_. All are seq_cst: either
///                      it is told of the deadline or it finds it.
///            KEEPER-3  That the thread is there is said by itself, before anything of KEEPER-1 and
///                      KEEPER-2, and taken back under the lock, after these. So who sees it asleep
///                      knows that it may be called.
/// Cost       notice_activity() and sleeps_past() are a load each; waking it is a system call.
class keeper {
public:
    static constexpr std::chrono::milliseconds tick{5};

    static keeper& instance() noexcept { return of_process.get(); }

    /// False if it looks after that one already.
    bool enlist(ward& fresh) noexcept {
        const library_lock lock(mutex_);
        if (std::exchange(fresh.is_enlisted_, true)) {
            return false;
        }
        fresh.next_ = first_;
        first_ = &fresh;
        return true;
    }

    /// Before the end of `gone`, when it can't be held any more: so no visit is under way.
    void strike_off(ward& gone) noexcept {
        const library_lock lock(mutex_);
        unlink(gone);
    }

    /// It need not look after `gone` any more. If that was the last one, the thread ends: when this
    /// returns, nothing of it runs any more, unless there is another ward by now: then false.
    bool dismiss(ward& gone) noexcept {
        std::unique_lock lock(mutex_);
        unlink(gone);
        if (id_ != std::this_thread::get_id()) {
            constexpr std::chrono::seconds patience{5}; // who starts it may have been stopped
            const steady_time end = deadline_after(patience);
            for (slices wait; first_ == nullptr && thread_.load() != presence::none &&
                              steady_clock::now() < end;) {
                wait.next(gone_, lock, end);
                alarm_.insist();
            }
            lock.unlock();
            library_threads::instance().join_left(this);
            lock.lock();
        }
        return first_ == nullptr;
    }

    /// A worker woke up. The first one starts the keeper's thread; if that can't be had, a later
    /// one tries again.
    void notice_activity() {
        full_fence(); // KEEPER-1
        if (is_parked_.load(std::memory_order_relaxed)) [[unlikely]] {
            wants_ticks_.store(true);
            static_cast<void>(wake({}));
            alarm_.insist(); // a worker that was not rung for is the only one who tells the keeper
        }
    }

    /// A sleeper was rung for: the keeper sees to it that one comes. The same for a caller who must
    /// not be kept by the start of a thread.
    void notice_ring() noexcept {
        full_fence(); // KEEPER-1
        if (is_parked_.load(std::memory_order_relaxed) && has_thread()) [[unlikely]] {
            wants_ticks_.store(true);
            alarm_.call();
        }
    }

    /// Whether it has to be told of something that is due at `due`.
    bool sleeps_past(steady_time due) const noexcept { return due < gets_up_.load(); } // KEEPER-2

    /// Tells it. If there is no thread to see to it, that is trouble to be reported.
    thread_trouble notice_deadline(const call_site& where) {
        thread_trouble trouble = wake(where);
        alarm_.insist(); // in an idle program nobody would find out that the call was lost
        return trouble;
    }

    /// For who waits in vain: if a call was lost, or a thread refused, this is another try.
    void insist() {
        if (has_thread()) {
            alarm_.insist();
        } else {
            static_cast<void>(start({})); // whoever fires finds out if there are no threads at all
        }
    }

    /// False if nobody looks after anything, for want of a thread.
    bool has_thread() const noexcept { return thread_.load() == presence::there; } // KEEPER-3

private:
    static one_per_process<keeper> of_process;

    static constexpr unsigned idle_rounds = 4;

    enum class presence : std::uint8_t { none, starting, there };

    thread_trouble wake(const call_site& where) {
        if (!has_thread()) {
            return start(where);
        }
        alarm_.call();
        return {};
    }

    /// Without the lock: the caller may be stopped half-way, and nobody is to wait for it.
    thread_trouble start(const call_site& where) {
        presence expected = presence::none;
        if (!thread_.compare_exchange_strong(expected, presence::starting)) {
            return {}; // by somebody else
        }
        thread_trouble trouble;
        bool is_started = false;
        if (pause_.is_over()) {
            std::exception_ptr why;
            is_started = start_thread([](void* self, void*) { static_cast<keeper*>(self)->live(); },
                                      this, nullptr, why);
            if (!is_started) {
                // Pools get by without; whoever fires finds out if there are no threads at all.
                trouble = pause_.begin(where, std::move(why));
            }
        }
        if (is_started) {
            pause_.end();
        } else {
            thread_.store(presence::none);
        }
        return trouble;
    }

    void live() {
        thread_.store(presence::there); // KEEPER-3
        this_thread.is_keeper = true;
        name_this_thread("faf/keeper");
        wake_up_on_time();
        asymmetric_barrier::prepare();
        std::unique_lock lock(mutex_);
        id_ = std::this_thread::get_id();
        for (unsigned idle = 0; first_ != nullptr;) {
            const std::uint32_t seen = alarm_.calls(); // A1
            if (wants_ticks_.exchange(false)) {
                is_parked_.store(false, std::memory_order_relaxed);
                idle = 0;
            }
            gets_up_.store((steady_time::min)());
            const steady_time next_look = look_after_signals(lock);
            ward::visit all = look_after_all(lock);
            idle = all.is_active ? 0 : idle + 1;
            if (idle >= idle_rounds && !is_parked_.load(std::memory_order_relaxed)) {
                is_parked_.store(true, std::memory_order_relaxed);
                full_fence(); // KEEPER-1
                all = look_after_all(lock);
            }
            if (all.is_active) {
                is_parked_.store(false, std::memory_order_relaxed);
                idle = 0;
            }
            if (!is_parked_.load(std::memory_order_relaxed)) {
                all.next = earlier_of(all.next, deadline_after(tick));
            }
            all.next = earlier_of(all.next, next_look);
            gets_up_.store(all.next); // KEEPER-2
            if (first_ != nullptr && !has_news()) {
                lock.unlock();
                alarm_.sleep(seen, all.next);
                lock.lock();
            }
        }
        library_threads::instance().leave(); // J1
        id_ = {};
        is_parked_.store(true, std::memory_order_relaxed); // who enlists sees it by the mutex
        gets_up_.store(never);
        thread_.store(presence::none); // KEEPER-3
        gone_.notify_all();
    }

    /// If it is enlisted. The thread ends when there is none.
    void unlink(ward& gone) noexcept {
        if (std::exchange(gone.is_enlisted_, false)) {
            ward** link = &first_;
            while (*link != &gone) {
                link = &(*link)->next_;
            }
            *link = gone.next_;
            if (first_ == nullptr) {
                alarm_.call();
            }
        }
    }

    static steady_time look_after_signals(std::unique_lock<std::mutex>& lock) {
        lock.unlock();
        const steady_time again = signal_heir::instance().look(steady_clock::now());
        lock.lock();
        return again;
    }

    bool has_news() const noexcept {
        const ward* one = first_;
        while (one != nullptr && (one->is_ending_ || !one->has_news())) {
            one = one->next_;
        }
        return one != nullptr;
    }

    /// Visits all, without the lock, for that takes long, and others make executors and end them
    /// meanwhile. As the list may be another one then, wards remember the round of their last visit.
    ward::visit look_after_all(std::unique_lock<std::mutex>& lock) {
        ++round_;
        ward::visit all;
        if (errands::instance().is_any_left()) {
            errands::instance().start();
            all.is_active = errands::instance().is_any_left();
        }
        while (ward* const one = next_ward()) {
            lock.unlock();
            const ward::visit its = one->look_after(steady_clock::now());
            one->let_go();
            lock.lock();
            all.next = earlier_of(all.next, its.next);
            all.is_active = all.is_active || its.is_active;
        }
        return all;
    }

    /// One that has not been visited in this round, held. Under the lock.
    ward* next_ward() noexcept {
        for (ward* one = first_; one != nullptr; one = one->next_) {
            if (std::exchange(one->round_, round_) == round_) {
                continue;
            }
            one->is_ending_ = !one->try_hold();
            if (!one->is_ending_) {
                return one;
            }
        }
        return nullptr;
    }

    std::mutex mutex_;             ///< of the list
    std::condition_variable gone_; ///< the thread
    std::thread::id id_{};
    ward* first_ = nullptr;
    std::uint64_t round_ = 0;

    alarm_clock alarm_;
    std::atomic<bool> wants_ticks_{false}; ///< there is something to watch
    std::atomic<bool> is_parked_{true};    ///< changed by the keeper only
    std::atomic<steady_time> gets_up_{never};

    std::atomic<presence> thread_{presence::none};
    hiring_pause pause_; ///< of whoever is starting it
};

inline constinit one_per_process<keeper> keeper::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
