// SPDX-License-Identifier: MIT
#pragma once

// One thread for each task. For work that blocks for long or for ever, where a pool would run out
// of workers; a thread costs its caller tens of microseconds, a task on a pool far less than one.

#include "detail/executor_core.hpp"
#include "detail/thread_start.hpp"
#include "thread_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf {
namespace detail {

/// Counts the threads that run a task of their own, so that drain, shutdown and exit cover them.
///
/// Invariants  E1 of executor_core: all is counted under the mutex; and
///             T1  A record is in the list from before its thread starts until after its task is
///                 settled.
class own_threads final : public executor_core {
public:
    static own_threads& instance() noexcept {
        static never_destroyed<own_threads> threads;
        return *threads;
    }

    own_threads() { exit_registry::instance().enlist(*this); }

    std::chrono::nanoseconds exit_deadline() const noexcept override {
        return default_core().exit_deadline();
    }

    /// Gives `task` a thread; where none can be had, gives it to the default pool.
    refusal accept(task_ptr& task) {
        auto* const fresh = new (std::nothrow) record;
        if (fresh == nullptr) {
            return fall_back(task, thread_trouble(task->where, nullptr));
        }
        fresh->where = task->where;
        fresh->name = task->name;
        if (!enter(*fresh)) {
            delete fresh;
            return refusal::shutting_down;
        }
        fresh->task = std::move(task);
        std::exception_ptr why = start(*fresh);
        if (!why) {
            return refusal::none; // the record is the thread's from here on
        }
        task = std::move(fresh->task);
        thread_trouble trouble;
        const bool had_its_fate = take_back(*fresh, std::move(why), trouble);
        delete fresh;
        if (had_its_fate) { // closing reported it as abandoned while it was being started
            task.reset();
            return refusal::none;
        }
        return fall_back(task, trouble);
    }

    std::uint64_t admissions() const override {
        const std::lock_guard lock(mutex_);
        return admissions_;
    }

    bool shutdown_until(steady_time deadline) {
        if (!is_in_its_process()) {
            return false;
        }
        begin_closing();
        return !runs_this_thread() && close(deadline, later(deadline, sink_patience));
    }

private:
    struct record {
        call_site where{};
        const char* name = nullptr;
        task_ptr task;
        std::thread::id thread{};
        bool is_written_off = false; ///< reported as abandoned while it ran
        record* next = nullptr;
        record** link = nullptr; ///< what points here
    };

    bool enter(record& fresh) noexcept {
        const std::lock_guard lock(mutex_);
        if (!is_open_here()) {
            note_refused();
            return false;
        }
        ++counts_.accepted;
        ++admissions_;
        ++counts_.running;
        fresh.next = first_;
        fresh.link = &first_;
        if (first_ != nullptr) {
            first_->link = &fresh.next;
        }
        first_ = &fresh;
        ++counts_.threads;
        return true;
    }

    void unlink(record& gone) noexcept {
        *gone.link = gone.next;
        if (gone.next != nullptr) {
            gone.next->link = gone.link;
        }
        --counts_.threads;
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

    /// For a record whose thread could not be started; true if it was written off meanwhile.
    bool take_back(record& fresh, std::exception_ptr why, thread_trouble& trouble) noexcept {
        const std::lock_guard lock(mutex_);
        unlink(fresh);
        if (fresh.is_written_off) {
            note_written_off_end();
        } else { // another executor takes it
            --counts_.accepted;
            --counts_.running;
            quiet_.notify_all();
        }
        trouble = pause_.begin(fresh.where, std::move(why));
        return fresh.is_written_off;
    }

    static refusal fall_back(task_ptr& task, const thread_trouble& trouble) {
        trouble.report("it goes to the default pool", nullptr);
        const refusal why = default_core().accept(task);
        return why == refusal::none ? why : refusal::no_thread;
    }

    /// Settles the record even where the task ends the thread by force: then it has failed.
    struct settlement {
        own_threads& all;
        record* const self;
        fate result = fate::failed;
        settlement(own_threads& in, record* of) noexcept : all(in), self(of) {}
        ~settlement() {
            const std::lock_guard lock(all.mutex_);
            all.unlink(*self);
            all.note_end(*self, result);
            delete self;
        }
        settlement(const settlement&) = delete;
        settlement& operator=(const settlement&) = delete;
    };

    void live(record* self) {
        settlement after(*this, self);
        {
            const std::lock_guard lock(mutex_);
            self->thread = std::this_thread::get_id();
        }
        name_this_thread("faf/own");
        after.result = run_task(std::move(self->task), lent());
    }

    void note_end(const record& ended, fate result) noexcept {
        if (ended.is_written_off) {
            note_written_off_end();
            return;
        }
        ++(result == fate::succeeded ? counts_.succeeded
           : result == fate::failed  ? counts_.failed
                                     : counts_.dropped);
        --counts_.running;
        quiet_.notify_all();
    }

    stats count() const noexcept override { return counts_; }
    bool is_quiet(std::size_t own) const noexcept override { return counts_.running <= own; }
    void note_closed() noexcept override {}
    bool abandon_queued(abandoned_tasks&) override { return false; }
    void note_exit() noexcept override {}
    bool lend_a_hand(std::unique_lock<std::mutex>&, steady_time) override { return false; }

    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        std::size_t given_up = 0;
        for (record* one = first_; one != nullptr; one = one->next) {
            if (!one->is_written_off && one->thread != std::this_thread::get_id()) {
                one->is_written_off = true;
                abandoned.add_running(one->where, one->name);
                ++given_up;
            }
        }
        counts_.running -= given_up;
        counts_.dropped += given_up;
        return given_up;
    }

    record* first_ = nullptr;
    stats counts_;
    std::uint64_t admissions_ = 0;
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
        return detail::execute_on(detail::own_threads::instance(), work);
    }
};

inline constexpr own_thread_t own_thread{};

} // namespace faf
