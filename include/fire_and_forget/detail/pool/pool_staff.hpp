// SPDX-License-Identifier: MIT
#pragma once

// Who works in a pool: who is woken or hired for a task, and who leaves. pool_growth.hpp sees to it
// that there are enough; pool_workers.hpp has them wait and work.

#include "../../options.hpp"
#include "../executor/errands.hpp"
#include "../executor/executor_core.hpp"
#include "../executor/keeper.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/cpu_count.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/lanes.hpp"
#include "worker_roster.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  P1  Each of the pool's places for a worker is vacant or has a worker. A vacant one
///                 counts as a sleeper of the doorbell: being rung for, it is filled. It becomes
///                 both in one go under mutex_: a slow ring must not fill it before it is a sleeper.
///             P4  While workers are blocked there are extra places besides. They are never vacant:
///                 hiring makes one, and whoever leaves first gives one up before a place becomes
///                 vacant.
class pool_staff : public executor_core {
public:
    std::chrono::nanoseconds exit_timeout() const noexcept override {
        return options_.exit_timeout;
    }

protected:
    pool_staff(pool_options settings, lane_set& lanes)
        : options_(std::move(settings)), size_(places(options_.threads)),
          most_(most_places(options_, size_)), lanes_(lanes), bell_(lanes.bell), workers_(lanes),
          vacancies_(size_) {
        lanes.begin(*this, size_);
        set_sink(options_.on_error ? &options_.on_error : nullptr);
    }

    ~pool_staff() override {
        lanes_.retire();
        lanes_.release();
    }

    bool has_napper() const noexcept { return options_.wake_up == wake::by_worker; }

    // Waking and hiring ---------------------------------------------------------------------------

    void ring(call_site where) {
        if (bell_.try_ring()) {
            call_or_hire(where, ring_of::caller);
            keeper::instance().notice_ring();
        }
    }

    /// Whose ring it is that a call answers. Only its owner takes it back.
    enum class ring_of : std::uint8_t { caller, somebody_else };

    /// Wakes a worker, or fills a vacant place if none is asleep. After try_ring(), or to make sure.
    /// Does not wait for whoever has stopped with the lock: the keeper will try again.
    void call_or_hire(const call_site& where, ring_of whose) {
        if (bell_.sleepers() > vacancies_.load(std::memory_order_relaxed)) {
            bell_.call_one();
            return;
        }
        thread_trouble trouble;
        worker* recruit = nullptr;
        {
            std::unique_lock lock(mutex_, std::defer_lock);
            if (try_lock_soon(lock)) {
                recruit = fill_vacancy(where, trouble);
            }
            if (recruit == nullptr && whose == ring_of::caller) {
                bell_.give_up_ring();
            }
        }
        keep(); // the task may end the pool once it has a thread
        report(recruit != nullptr ? start(*recruit, where) : trouble);
        release();
    }

    /// Starts a worker if a place is vacant. Under mutex_, and gives it back.
    thread_trouble hire(std::unique_lock<std::mutex>& lock, const call_site& where) {
        const inside_library hiring;
        thread_trouble trouble;
        worker* const recruit = fill_vacancy(where, trouble);
        lock.unlock();
        return recruit != nullptr ? start(*recruit, where) : trouble;
    }

    enum class hired_as : std::uint8_t { usual, extra };

    /// Null if no place is vacant, or no thread is to be had. Under mutex_.
    worker* fill_vacancy(const call_site& where, thread_trouble& trouble) {
        return vacancies_.load(std::memory_order_relaxed) > 0
                   ? enroll(hired_as::usual, where, trouble)
                   : nullptr;
    }

    /// A place and a record for one more worker, who is to be started. Null if that can't be. Under
    /// mutex_.
    worker* enroll(hired_as what, const call_site& where, thread_trouble& trouble) {
        if (lanes_.is_over()) {
            return nullptr;
        }
        exit_registry::instance().note_work();
        worker* const recruit = workers_.enroll(what == hired_as::extra, where, trouble);
        if (recruit != nullptr) {
            keep(); // the worker's
            if (what == hired_as::extra) {
                extra_.fetch_add(1, std::memory_order_relaxed); // P4
            } else {
                vacancies_.fetch_sub(1, std::memory_order_relaxed); // P1
            }
        }
        return recruit;
    }

    /// Without mutex_: who starts a thread may be stopped half-way, and others must be able to go on.
    thread_trouble start(worker& recruit, const call_site& where) {
        constexpr thread_body live = [](void* pool, void* self) {
            static_cast<pool_staff*>(pool)->work(*static_cast<worker*>(self));
        };
        const bool is_extra = recruit.is_extra;
        std::exception_ptr why;
        if (workers_.start(recruit, live, this, why)) {
            return {};
        }
        thread_trouble trouble;
        {
            const library_lock lock(mutex_);
            trouble = workers_.withdraw(recruit, where, std::move(why));
            if (is_extra) {
                extra_.fetch_sub(1, std::memory_order_relaxed); // P4
            } else {
                note_vacancy(); // P1: it has never ceased to count as asleep
                bell_.give_up_ring();
            }
            quiet_.notify_all();
        }
        release();
        return trouble;
    }

    void report(const thread_trouble& trouble) {
        if (trouble) {
            keep();
            tell_off_the_keeper([this, trouble] {
                trouble.report("it waits for one", sink_loan(*this).sink());
                end_if_forked();
                release();
            });
        }
    }

    /// A worker's place goes or becomes vacant. Under mutex_; the caller then hires if there are
    /// tasks.
    void give_up_place() noexcept {
        const std::uint32_t extra = extra_.load(std::memory_order_relaxed);
        if (extra > 0) { // P4
            extra_.store(extra - 1, std::memory_order_relaxed);
        } else {
            vacate();
        }
    }

    /// A place becomes vacant. Under mutex_; the caller then hires if there are tasks.
    void vacate() noexcept {
        note_vacancy(); // P1
        bell_.fall_asleep(doorbell::turn::of_another);
        asymmetric_barrier::heavy(); // O1 of the doorbell
    }

    void note_vacancy() noexcept {
        if (vacancies_.fetch_add(1, std::memory_order_relaxed) + 1 == size_) {
            bell_.leave_to_all();
        }
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
        keeper::instance().notice_ring();
    }

    /// Ends and joins every worker but those in a task that was written off; these go when it ends.
    /// So do those that do not come for a long time: their threads may have been stopped.
    void dismiss_workers(steady_time deadline) {
        constexpr std::chrono::seconds patience{5};
        const steady_time end = later(deadline, patience);
        dismiss();
        std::unique_lock lock(mutex_);
        for (slices wait; !workers_.is_deserted() && steady_clock::now() < end;) {
            wait.next(quiet_, lock, end);
            bell_.call_all();
        }
        lock.unlock();
        library_threads::instance().join_left(this);
    }

    const pool_options options_;
    const std::uint32_t size_; ///< places
    const std::uint32_t most_; ///< the same with extra ones
    lane_set& lanes_;
    doorbell& bell_;
    worker_roster workers_;
    std::atomic<bool> is_dismissed_{false};
    std::atomic<std::uint32_t> vacancies_;
    std::atomic<std::uint32_t> extra_{0}; ///< places; changes under mutex_

private:
    static std::uint32_t places(unsigned asked) noexcept {
        const std::uint32_t wanted = asked > 0 ? asked : usable_cpus();
        return wanted < doorbell::most_sleepers ? wanted : doorbell::most_sleepers;
    }

    static std::uint32_t most_places(const pool_options& asked, std::uint32_t size) noexcept {
        constexpr std::uint32_t usual_most = 512;
        const bool is_serial = asked.threads == 1 && asked.max_threads == 0;
        const std::uint32_t most = asked.max_threads > 0 ? asked.max_threads : usual_most;
        const std::uint32_t wanted = is_serial || most < size ? size : most;
        return wanted < doorbell::most_sleepers ? wanted : doorbell::most_sleepers;
    }

    /// Ends the worker's life even where a task ends the thread by force.
    void work(worker& self) {
        this_thread.works_for = &lent();
        bool is_forced = true;
        const scope_guard at_the_end([&] {
            library_threads::instance().leave(); // J1
            leave(self, is_forced);
            delete &self;
            this_thread.works_for = nullptr;
            release();
        });
        self.id.store(std::this_thread::get_id());
        self.thread_number.store(thread_number(), std::memory_order_relaxed);
        name_worker_thread(options_.name, self.number);
        asymmetric_barrier::prepare();
        if (has_napper()) {
            wake_up_on_time();
            bell_.leave_to_workers();
        }
        if (!self.is_extra) { // P4: that one never counted as asleep
            wake_up(self);
        }
        self.taker.on = &lent();
        this_thread.item = &self.taker;
        work_through(self);
        is_forced = false;
    }

    /// A thread that a task has ended is replaced. The pool does not know the worker any more.
    void leave(worker& self, bool is_forced) {
        self.taker.flush();
        {
            const std::lock_guard lock(mutex_);
            workers_.let_go(self);
            if (!self.has_left_place) {
                give_up_place();
            }
            quiet_.notify_all();
        }
        const bool was_needed = is_forced && has_napper(); // P3 of pool_workers
        if (was_needed || lanes_.may_have_tasks()) {
            ring(self.taker.where());
        }
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
