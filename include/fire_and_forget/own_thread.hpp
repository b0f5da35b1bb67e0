// SPDX-License-Identifier: MIT
#pragma once

// One thread for each task. For work that blocks for long or for ever, where a pool would run out
// of workers; a thread costs its caller tens of microseconds, a task on a pool far less than one.

#include "detail/abandoned_tasks.hpp"
#include "detail/lifecycle.hpp"
#include "detail/run_task.hpp"
#include "detail/thread_start.hpp"
#include "detail/time.hpp"
#include "stats.hpp"
#include "thread_pool.hpp"

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace faf {
namespace detail {

/// Counts the threads that run a task of their own, so that drain, shutdown and exit cover them.
///
/// Invariants  T1  mutex_ guards the list, the counters and phase_; no user code runs under it.
///             T2  accepted == succeeded + failed + dropped + running_ whenever mutex_ is free.
///             T3  A record is in the list from before its thread starts until after its task is
///                 settled.
class own_threads final : public exit_party {
public:
    static own_threads& instance() noexcept {
        static never_destroyed<own_threads> threads;
        return *threads;
    }

    own_threads() : stop_(make_stop_source()), host_{nullptr, stop_.get_token()} {
        exit_registry::instance().enlist(*this);
    }

    /// Gives `task` a thread; where none can be had, gives it to the default pool.
    refusal accept(task_ptr& task) {
        std::unique_ptr<record> fresh(new (std::nothrow) record);
        if (fresh) {
            fresh->where = task->where;
            fresh->name = task->name;
            if (!admit(*fresh)) {
                return refusal::shutting_down;
            }
            fresh->task = std::move(task);
            const std::exception_ptr why = start(*fresh);
            if (!why) {
                static_cast<void>(fresh.release()); // the thread's from here on
                return refusal::none;
            }
            task = std::move(fresh->task);
            return fall_back(task, withdraw(*fresh, why));
        }
        return fall_back(task, thread_trouble(task->where, nullptr));
    }

    void note_refused() {
        const std::lock_guard lock(mutex_);
        ++counts_.refused;
    }

    stats snapshot() const {
        const std::lock_guard lock(mutex_);
        stats now = counts_;
        now.running = running_;
        now.threads = running_;
        return now;
    }

    bool drain_until(steady_time deadline) {
        if (inside_a_task_of(&host_)) {
            return false;
        }
        std::unique_lock lock(mutex_);
        return wait_quiet(lock, deadline);
    }

    void begin_closing() override {
        {
            const std::lock_guard lock(mutex_);
            if (phase_ == phase::open) {
                phase_ = phase::closing;
            }
        }
        stop_.request_stop(); // runs callbacks of users
    }

    bool shutdown_until(steady_time deadline) {
        begin_closing();
        return !inside_a_task_of(&host_) && close(deadline);
    }

    void close_for_exit(steady_time start) override {
        close(later(start, pool_access::core(default_pool()).exit_deadline()));
    }

private:
    enum class phase : std::uint8_t { open, closing, closed };

    struct record {
        call_site where{};
        const char* name = nullptr;
        task_ptr task;
        bool is_written_off = false; ///< reported as abandoned while it ran
        record* next = nullptr;
        record** link = nullptr; ///< what points here
    };

    bool admit(record& fresh) {
        const std::lock_guard lock(mutex_);
        if (phase_ == phase::closed || (phase_ == phase::closing && !inside_a_task())) {
            ++counts_.refused;
            return false;
        }
        ++counts_.accepted;
        ++running_;
        fresh.next = first_;
        fresh.link = &first_;
        if (first_ != nullptr) {
            first_->link = &fresh.next;
        }
        first_ = &fresh;
        return true;
    }

    /// Tries three times: the system may refuse a thread for a moment only.
    std::exception_ptr start(record& fresh) {
        constexpr thread_body body = [](void* threads, void* self) {
            static_cast<own_threads*>(threads)->live(static_cast<record*>(self));
        };
        std::exception_ptr why;
        for (int tries = 0; tries < 3; ++tries) {
            detachable_thread thread;
            why = start_thread(thread, body, this, &fresh);
            if (!why) {
                thread.detach();
                const std::lock_guard lock(mutex_);
                pause_.end();
                break;
            }
            std::this_thread::yield();
        }
        return why;
    }

    /// Takes back a record whose thread could not be started.
    thread_trouble withdraw(record& fresh, std::exception_ptr why) {
        const std::lock_guard lock(mutex_);
        unlink(fresh);
        --counts_.accepted;
        end_one();
        return pause_.begin(fresh.where, std::move(why));
    }

    static refusal fall_back(task_ptr& task, const thread_trouble& trouble) {
        trouble.report("it goes to the default pool", nullptr);
        return pool_access::core(default_pool()).accept(task);
    }

    /// Settles the record even where the task ends the thread by force.
    struct departure {
        own_threads& all;
        std::unique_ptr<record> self;
        fate result = fate::failed;
        departure(own_threads& in, record* of) noexcept : all(in), self(of) {}
        ~departure() { all.settle(*self, result); }
        departure(const departure&) = delete;
        departure& operator=(const departure&) = delete;
    };

    void live(record* self) {
        departure at_the_end(*this, self);
        name_this_thread("faf/own");
        at_the_end.result = run_task(std::move(self->task), host_);
    }

    void settle(record& self, fate result) {
        const std::lock_guard lock(mutex_);
        unlink(self);
        if (!self.is_written_off) {
            ++(result == fate::succeeded ? counts_.succeeded
               : result == fate::failed  ? counts_.failed
                                         : counts_.dropped);
            end_one();
        }
    }

    void unlink(record& gone) noexcept {
        *gone.link = gone.next;
        if (gone.next != nullptr) {
            gone.next->link = gone.link;
        }
    }

    void end_one() noexcept {
        if (--running_ <= 1) { // the last one may be the task of a waiter
            quiet_.notify_all();
        }
    }

    bool wait_quiet(std::unique_lock<std::mutex>& lock, steady_time deadline) {
        const std::size_t own = inside_a_task_of(&host_) ? 1 : 0;
        while (running_ > own) {
            if (steady_clock::now() >= deadline) {
                return false;
            }
            wait_until(quiet_, lock, deadline);
        }
        return true;
    }

    bool close(steady_time deadline) {
        abandoned_tasks abandoned(host_);
        std::unique_lock lock(mutex_);
        const bool finished = wait_quiet(lock, deadline);
        phase_ = phase::closed;
        for (record* other = first_; other != nullptr; other = other->next) {
            if (!finished && !other->is_written_off) {
                other->is_written_off = true;
                --running_;
                ++counts_.dropped;
                abandoned.add_running(other->where, other->name);
            }
        }
        return finished;
    }

    stop_source stop_;
    const host host_;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;
    phase phase_ = phase::open;
    stats counts_;
    std::size_t running_ = 0;
    record* first_ = nullptr;
    hiring_pause pause_;
};

} // namespace detail

/// The executor that gives each task a detached std::jthread of its own (std::thread where there is
/// no jthread).
///
///     fire_and_forget(faf::own_thread, [](std::stop_token stop) {
///         while (!stop.stop_requested()) { serve_next_connection(); }
///     });
///
/// The threads are counted: drain, shutdown and exit wait for them like for the default pool's
/// tasks and report as abandoned what does not end in time. Errors: if the system starts no thread,
/// even at the third try, the task goes to the default pool and the sink hears of it.
struct own_thread_t {
    submission execute(job work) const {
        if (!work) {
            return submission(refusal::empty_callable);
        }
        detail::task_ptr task = take_task(work);
        const refusal why = detail::own_threads::instance().accept(task);
        const job refused(std::move(task)); // empty if it was accepted
        return submission(why);
    }
};

inline constexpr own_thread_t own_thread{};

} // namespace faf
