// SPDX-License-Identifier: MIT
#pragma once

// The thread that looks after the executors of the program: when something is due, and every few
// milliseconds while they work.

#include "../call_site.hpp"
#include "abi.hpp"
#include "asymmetric_barrier.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "thread_start.hpp"
#include "time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
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
    /// long.
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
/// Orderings  K1  The keeper stores is_parked_, fences and then looks after all once more before it
///                sleeps. A worker that wakes up leaves the sleepers' count, which is a full fence,
///                and then reads is_parked_. So either the worker sees it parked or it sees the
///                worker awake.
///            K2  The keeper stores gets_up_ before it asks all for news and sleeps. Who adds a
///                deadline makes that news before it reads gets_up_. All are seq_cst: either it is
///                told of the deadline or it finds it.
/// Cost       notice_activity() and sleeps_past() are a load each; waking it is a system call.
class keeper {
public:
    static constexpr std::chrono::milliseconds tick{5};

    static keeper& instance() noexcept {
        static constinit one_per_process<keeper> one;
        return one.get();
    }

    /// False if it looks after that one already.
    bool enlist(ward& fresh) noexcept {
        const std::lock_guard lock(mutex_);
        if (std::exchange(fresh.is_enlisted_, true)) {
            return false;
        }
        fresh.next_ = first_;
        first_ = &fresh;
        return true;
    }

    /// Before the end of `gone`, when it can't be held any more: so no visit is under way.
    void strike_off(ward& gone) noexcept {
        const std::lock_guard lock(mutex_);
        unlink(gone);
    }

    /// It need not look after `gone` any more. If that was the last one, the thread ends: when this
    /// returns, nothing of it runs any more, unless there is another ward by now.
    void dismiss(ward& gone) noexcept {
        std::unique_lock lock(mutex_);
        unlink(gone);
        if (id_ != std::this_thread::get_id()) {
            gone_.wait(lock, [this] { return first_ != nullptr || !has_thread(); });
            lock.unlock();
            static_cast<void>(library_threads::instance().join_left(this));
        }
    }

    /// A worker woke up. The first one starts the keeper's thread; if that can't be had, a later
    /// one tries again.
    void notice_activity() {
        full_fence(); // K1
        if (is_parked_.load(std::memory_order_relaxed)) [[unlikely]] {
            static_cast<void>(wake(reason::activity, {}));
        }
    }

    /// Whether it has to be told of something that is due at `due`.
    bool sleeps_past(steady_time due) const noexcept { return due < gets_up_.load(); } // K2

    /// Tells it. If there is no thread to see to it, that is trouble to be reported.
    thread_trouble notice_deadline(const call_site& where) { return wake(reason::deadline, where); }

    /// False if nobody looks after anything, for want of a thread.
    bool has_thread() const noexcept { return has_thread_.load(std::memory_order_relaxed); }

private:
    static constexpr unsigned idle_rounds = 4;

    enum class reason : std::uint8_t { activity, deadline };

    thread_trouble wake(reason why, const call_site& where) {
        const std::lock_guard lock(mutex_);
        thread_trouble trouble;
        if (!has_thread()) {
            trouble = start(where);
        }
        if (why == reason::activity) {
            is_parked_.store(!has_thread(), std::memory_order_relaxed);
        }
        is_called_ = true;
        if (has_thread()) {
            gets_up_.store((steady_time::min)()); // spares others the call until it is up
        }
        wake_up_.notify_one();
        return trouble;
    }

    thread_trouble start(const call_site& where) {
        if (!pause_.is_over()) {
            return {};
        }
        std::exception_ptr why;
        if (!start_thread([](void* self, void*) { static_cast<keeper*>(self)->live(); }, this,
                          nullptr, why)) {
            // Pools get by without; whoever fires finds out if there are no threads at all.
            return pause_.begin(where, std::move(why));
        }
        pause_.end();
        has_thread_.store(true, std::memory_order_relaxed);
        return {};
    }

    void live() {
        name_this_thread("faf/keeper");
        wake_up_on_time();
        asymmetric_barrier::prepare();
        std::unique_lock lock(mutex_);
        id_ = std::this_thread::get_id();
        for (unsigned idle = 0; first_ != nullptr;) {
            gets_up_.store((steady_time::min)());
            ward::visit all = look_after_all(lock);
            idle = all.is_active ? 0 : idle + 1;
            if (idle >= idle_rounds && !is_parked_.load(std::memory_order_relaxed)) {
                is_parked_.store(true, std::memory_order_relaxed);
                full_fence(); // K1
                all = look_after_all(lock);
                if (all.is_active) {
                    is_parked_.store(false, std::memory_order_relaxed);
                    idle = 0;
                }
            }
            if (!is_parked_.load(std::memory_order_relaxed)) {
                all.next = earlier_of(all.next, deadline_after(tick));
            }
            gets_up_.store(all.next); // K2
            if (!has_news() && !is_called_) {
                wait_until(wake_up_, lock, all.next); // one waiter only: glibc bug 25847 needs two
            }
            if (std::exchange(is_called_, false) && !is_parked_.load(std::memory_order_relaxed)) {
                idle = 0;
            }
        }
        library_threads::instance().leave(); // J1
        has_thread_.store(false, std::memory_order_relaxed);
        is_parked_.store(true, std::memory_order_relaxed); // who enlists sees it by the mutex
        gets_up_.store(never);
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
                is_called_ = true;
                wake_up_.notify_one();
            }
        }
    }

    bool has_news() const noexcept {
        const ward* one = first_;
        while (one != nullptr && (one->is_ending_ || !one->has_news())) {
            one = one->next_;
        }
        return one != nullptr;
    }

    /// Visits all, without the lock: user code may run meanwhile, and that may make executors and
    /// end them. As the list may be another one then, wards remember the round of their last visit.
    ward::visit look_after_all(std::unique_lock<std::mutex>& lock) {
        ++round_;
        ward::visit all;
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

    std::mutex mutex_;
    std::condition_variable wake_up_;
    std::condition_variable gone_; ///< the thread
    std::thread::id id_{};
    ward* first_ = nullptr;
    std::uint64_t round_ = 0;
    bool is_called_ = false;
    std::atomic<bool> has_thread_{false};
    hiring_pause pause_;
    std::atomic<bool> is_parked_{true};
    std::atomic<steady_time> gets_up_{never};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
