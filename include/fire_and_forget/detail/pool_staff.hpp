// SPDX-License-Identifier: MIT
#pragma once

// Who works in a pool: who is woken or hired for a task, and who leaves. pool_workers.hpp has them
// wait and work.

#include "../options.hpp"
#include "asymmetric_barrier.hpp"
#include "cpu_count.hpp"
#include "doorbell.hpp"
#include "executor_core.hpp"
#include "keeper.hpp"
#include "lanes.hpp"
#include "thread_start.hpp"
#include "worker_roster.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::detail {

/// Invariants  P1  Each of the pool's places for a worker is vacant or has a worker. A vacant one
///                 counts as a sleeper of the doorbell: being rung for, it is filled. It becomes
///                 both in one go under mutex_: a slow ring must not fill it before it is a sleeper.
class pool_staff : public executor_core, private ward {
public:
    std::chrono::nanoseconds exit_deadline() const noexcept override {
        return options_.exit_deadline;
    }

protected:
    pool_staff(pool_options settings, lane_set& lanes)
        : options_(std::move(settings)), size_(places(options_.threads)), lanes_(lanes),
          bell_(lanes.bell), workers_(lanes), vacancies_(size_) {
        lanes.begin(*this, size_);
        set_sink(options_.on_error ? &options_.on_error : nullptr);
    }

    ~pool_staff() override {
        lanes_.retire();
        lanes_.release();
    }

    bool has_napper() const noexcept { return options_.wake_up == wake::by_worker; }

    /// When it is complete: other threads call its virtual functions from here on.
    void begin_service() {
        exit_registry::instance().enlist(*this);
        keeper::instance().enlist(*this);
    }

    void end_service() noexcept { keeper::instance().strike_off(*this); }

    // Waking and hiring ---------------------------------------------------------------------------

    void ring(call_site where) {
        if (bell_.try_ring()) {
            call_or_hire(where);
        }
    }

    /// Fills a vacant place, or takes back the ring that asked for it. Under mutex_.
    thread_trouble hire(const call_site& where) {
        constexpr thread_body live = [](void* pool, void* self) {
            static_cast<pool_staff*>(pool)->work(*static_cast<worker*>(self));
        };
        thread_trouble trouble;
        const std::uint32_t vacant = vacancies_.load(std::memory_order_relaxed);
        bool is_hired = false;
        if (vacant > 0 && !lanes_.is_over()) {
            keep(); // the worker's
            is_hired = workers_.hire(live, this, where, trouble);
            if (!is_hired) {
                release();
            }
        }
        if (is_hired) {
            vacancies_.store(vacant - 1, std::memory_order_relaxed); // P1
        } else {
            bell_.give_up_ring();
        }
        return trouble;
    }

    bool has_no_worker() const noexcept {
        return vacancies_.load(std::memory_order_relaxed) == size_;
    }

    /// Someone else works in a vacant place for a while.
    void occupy() noexcept {
        vacancies_.fetch_sub(1, std::memory_order_relaxed); // P1
        if (bell_.wake_up() == doorbell::turn::mine) {
            static_cast<void>(bell_.stop_looking());
        }
    }

    /// A place becomes vacant. Under mutex_; the caller then hires if there are tasks.
    void vacate() noexcept {
        if (vacancies_.fetch_add(1, std::memory_order_relaxed) + 1 == size_) { // P1
            bell_.leave_to_all();
        }
        bell_.fall_asleep(doorbell::turn::of_another);
        asymmetric_barrier::heavy(); // O1 of the doorbell
    }

    /// The caller, who counted as asleep, is awake.
    void wake_up(worker_state& self) {
        self.turn = bell_.wake_up();
        keeper::instance().notice_activity();
    }

    /// Takes and runs tasks until it is time to leave.
    virtual void work_through(worker_state& self) = 0;

    // The end -------------------------------------------------------------------------------------

    void dismiss() noexcept {
        is_dismissed_.store(true, std::memory_order_release);
        bell_.call_all();
    }

    /// Ends and joins every worker but those in a task that was written off; these go when it ends.
    void dismiss_workers() {
        dismiss();
        std::unique_lock lock(mutex_);
        quiet_.wait(lock, [this] { return workers_.is_deserted(); });
        workers_.join_left(lock);
    }

    const pool_options options_;
    const std::uint32_t size_;
    lane_set& lanes_;
    doorbell& bell_;
    worker_roster workers_;
    std::atomic<bool> is_dismissed_{false};

private:
    static std::uint32_t places(unsigned asked) noexcept {
        const std::uint32_t wanted = asked > 0 ? asked : usable_cpus();
        return wanted < doorbell::most_sleepers ? wanted : doorbell::most_sleepers;
    }

    /// Wakes a worker, or fills a vacant place if none is asleep. After try_ring().
    void call_or_hire(call_site where) {
        if (bell_.sleepers() > vacancies_.load(std::memory_order_relaxed)) {
            bell_.call_one();
            return;
        }
        thread_trouble trouble;
        {
            const std::lock_guard lock(mutex_);
            trouble = hire(where);
            if (trouble) {
                keep(); // the task may end the pool once the lock is free
            }
        }
        if (trouble) {
            trouble.report("it waits for one", sink());
            release();
        }
    }

    /// The keeper's duty: calls a worker for a task that those who are awake have no time for.
    tick_result tick() override {
        tick_result result;
        const std::uint32_t sleepers = bell_.sleepers();
        const bool has_looker = bell_.has_looker();
        const bool has_tasks = lanes_.may_have_tasks();
        const std::uint32_t at_rest = sleepers + (has_napper() && has_looker ? 1 : 0);
        result.is_active = has_tasks || at_rest < size_;
        if (!has_tasks || sleepers == 0 || has_looker) {
            return result;
        }
        if (sleepers > vacancies_.load(std::memory_order_relaxed)) {
            bell_.call_one();
            return result;
        }
        if (try_keep()) { // else it is about to be destroyed, and waits for this tick to end
            result.kept = this;
            const std::lock_guard lock(mutex_);
            result.trouble = hire({});
        }
        return result;
    }

    /// Ends a worker's life even where a task ends the thread by force.
    struct departure {
        pool_staff& pool;
        worker& self;
        bool is_forced = true;
        departure(pool_staff& in, worker& of) noexcept : pool(in), self(of) {
            this_thread.works_for = &in.lent();
        }
        ~departure() {
            pool.leave(self, is_forced);
            this_thread.works_for = nullptr;
            pool.release();
        }
        departure(const departure&) = delete;
        departure& operator=(const departure&) = delete;
    };

    void work(worker& self) {
        departure at_the_end(*this, self);
        { const std::lock_guard until_hired(mutex_); }
        name_worker_thread(options_.name, self.number);
        asymmetric_barrier::prepare();
        if (has_napper()) {
            wake_up_on_time();
            bell_.leave_to_workers();
        }
        wake_up(self);
        work_through(self);
        at_the_end.is_forced = false;
    }

    /// A thread that a task has ended is replaced, and joined by the next one this happens to: many
    /// of them must not add up.
    void leave(worker& self, bool is_forced) {
        self.taker.flush();
        thread_trouble trouble;
        {
            std::unique_lock lock(mutex_);
            if (is_forced) {
                workers_.join_left(lock);
            }
            workers_.note_left(self);
            if (!self.has_left_place) {
                vacate();
            }
            if (lanes_.may_have_tasks()) {
                trouble = hire(self.taker.where());
            }
            quiet_.notify_all();
        }
        trouble.report("it waits for one", sink());
        const bool was_needed = is_forced && has_napper(); // P3 of pool_workers
        if (was_needed || lanes_.may_have_tasks()) {
            ring(self.taker.where());
        }
    }

    std::atomic<std::uint32_t> vacancies_;
};

} // namespace faf::detail
