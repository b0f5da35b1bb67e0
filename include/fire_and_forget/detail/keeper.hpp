// SPDX-License-Identifier: MIT
#pragma once

// The thread that looks after the pools of the program every few milliseconds, while they work.

#include "asymmetric_barrier.hpp"
#include "lifecycle.hpp"
#include "platform.hpp"
#include "thread_start.hpp"
#include "time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::detail {

class keeper;

/// What the keeper looks after.
class ward {
public:
    ward() noexcept = default;
    ward(const ward&) = delete;
    ward& operator=(const ward&) = delete;

    /// What a tick found. Trouble goes to the global sink: the ward's own may be gone by then.
    struct tick_result {
        bool is_active = false; ///< to be ticked again; an idle ward calls notice_activity()
        thread_trouble trouble{};
        exit_party* kept = nullptr; ///< for the keeper to release
    };

    /// Must neither wait nor run user code.
    virtual tick_result tick() = 0;

protected:
    ~ward() = default;

private:
    friend class keeper;
    ward* next_ = nullptr;
    std::uint64_t round_ = 0;
};

/// One for all pools. It ticks while any of them is active; when all have been idle for a few ticks
/// it sleeps without a time limit, so that an idle program has no wake-ups at all.
///
/// Orderings  K1  The keeper stores is_parked_, fences and then ticks once more before it sleeps. A
///                worker that wakes up leaves the sleepers' count, which is a full fence, and then
///                reads is_parked_. So either the worker sees it parked or it sees the worker awake.
/// Cost       notice_activity() is a load, but for one system call when it has been parked.
class keeper {
public:
    static keeper& instance() noexcept {
        static never_destroyed<keeper> one;
        return *one;
    }

    void enlist(ward& fresh) noexcept {
        const std::lock_guard lock(mutex_);
        fresh.next_ = first_;
        first_ = &fresh;
    }

    /// Waits for a tick that is under way.
    void strike_off(ward& gone) noexcept {
        const std::lock_guard lock(mutex_);
        for (ward** link = &first_; *link != nullptr; link = &(*link)->next_) {
            if (*link == &gone) {
                *link = gone.next_;
                return;
            }
        }
    }

    /// A worker woke up. The first one starts the keeper's thread; if that can't be had, a later
    /// one tries again.
    void notice_activity() {
        full_fence(); // K1
        if (is_parked_.load(std::memory_order_relaxed)) [[unlikely]] {
            wake();
        }
    }

private:
    static constexpr std::chrono::milliseconds tick{5};
    static constexpr unsigned idle_ticks = 4;

    void wake() {
        const std::lock_guard lock(mutex_);
        if (!has_thread_) {
            start();
        }
        is_parked_.store(!has_thread_, std::memory_order_relaxed);
        wake_up_.notify_one();
    }

    void start() {
        if (!pause_.is_over()) {
            return;
        }
        detachable_thread thread;
        const std::exception_ptr why = start_thread(
            thread, [](void* self, void*) { static_cast<keeper*>(self)->live(); }, this, nullptr);
        if (why) { // pools get by without; whoever fires finds out if there are no threads at all
            static_cast<void>(pause_.begin({}, why));
            return;
        }
        thread.detach(); // it lives as long as the program
        has_thread_ = true;
    }

    [[noreturn]] void live() {
        name_this_thread("faf/keeper");
        unsigned idle = 0;
        for (std::unique_lock lock(mutex_);;) {
            if (is_parked_.load(std::memory_order_relaxed)) {
                wake_up_.wait(lock); // one waiter only: glibc bug 25847 needs two
                idle = 0;
            } else {
                wait_until(wake_up_, lock, deadline_after(tick));
            }
            idle = tick_all(lock) ? 0 : idle + 1;
            if (idle >= idle_ticks) {
                park(lock);
            }
        }
    }

    void park(std::unique_lock<std::mutex>& lock) {
        is_parked_.store(true, std::memory_order_relaxed);
        full_fence(); // K1
        if (tick_all(lock)) {
            is_parked_.store(false, std::memory_order_relaxed);
        }
    }

    /// True if any is active. Reports are made, and wards released, without the lock: sinks may make
    /// pools, and the end of one comes by here. As the list may be another one then, wards remember
    /// the round in which they were ticked.
    bool tick_all(std::unique_lock<std::mutex>& lock) {
        ++round_;
        bool is_any_active = false;
        ward* one = first_;
        while (one != nullptr) {
            if (std::exchange(one->round_, round_) == round_) {
                one = one->next_;
                continue;
            }
            const ward::tick_result result = one->tick();
            is_any_active = is_any_active || result.is_active;
            one = one->next_;
            if (result.kept != nullptr) {
                lock.unlock();
                result.trouble.report("it waits for one", nullptr);
                result.kept->release();
                lock.lock();
                one = first_;
            }
        }
        return is_any_active;
    }

    std::mutex mutex_;
    std::condition_variable wake_up_;
    ward* first_ = nullptr;
    std::uint64_t round_ = 0;
    bool has_thread_ = false;
    hiring_pause pause_;
    std::atomic<bool> is_parked_{true};
};

} // namespace faf::detail
