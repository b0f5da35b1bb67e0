// SPDX-License-Identifier: MIT
#pragma once

// The inside of own_thread: how tasks get their threads, and how they are counted.

#include "../../options.hpp"
#include "../../stats.hpp"
#include "../../thread_pool.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../executor/errands.hpp"
#include "../executor/executor_core.hpp"
#include "../executor/running_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/time.hpp"
#include "../task/run_task.hpp"
#include "../task/task.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Counts the threads that run a task of their own, so that drain, shutdown and exit cover them.
///
/// Invariants  E1 of executor_core: all is counted under the mutex; and
///             T2  Of the coroutines that are to go on, as many wait as find no thread within the limit.
///                 While any wait, there are as many threads as may be.
///             T1  A record is in the list from before its thread starts until after its task is
///                 settled.
class own_threads final : public executor_core {
public:
    static constexpr std::size_t usual_limit = 1024;

    static own_threads& instance() noexcept {
        static constinit one_per_process<own_threads> threads;
        return threads.get();
    }

    own_threads() { begin_service(); }

    std::chrono::nanoseconds exit_timeout() const noexcept override {
        return default_core().exit_timeout();
    }

    static void set_limit(std::size_t most) noexcept {
        limit.store(most, std::memory_order_relaxed);
    }

    /// Gives `task` a thread, now or when it is due. Where none can or may be had, gives it to the
    /// default pool.
    refusal accept(task_ptr& task) {
        task->begin_waiting(now());
        if (!is_open_here()) {
            note_refused();
            return refusal::shutting_down;
        }
        begin_use();
        if (task->is_delayed || task->repeats()) {
            const refusal why = delay(task);
            if (why != refusal::none) {
                note_refused();
            }
            return why;
        }
        record* const fresh = make_record(task->where, task->name);
        if (fresh == nullptr) {
            return fall_back(task, thread_trouble(task->where, nullptr));
        }
        switch (enter(*fresh)) {
        case entry::closed:
            delete fresh;
            note_refused();
            return refusal::shutting_down;
        case entry::full:
            delete fresh;
            return fall_back(task, {});
        case entry::free:
            break;
        }
        fresh->task = std::move(task);
        return launch(fresh, task);
    }

    refusal start_coroutine(suspended& one) override { return start_as_task(*this, one); }

    bool resume_soon(suspended& one) noexcept override {
        begin_use();
        one.due = steady_time();
        return resume_at(one);
    }

    std::uint64_t admissions() const override {
        const library_lock lock(mutex_);
        return admissions_ + count_timers().accepted + books.accepted();
    }

    void end_threads(steady_time deadline) override { end_use(deadline); }

    bool shutdown_until(steady_time deadline) {
        if (!is_in_its_process()) {
            return false;
        }
        begin_closing();
        if (runs_this_thread()) {
            return false;
        }
        sink_time for_sinks(deadline);
        const bool all_done = close(deadline, for_sinks);
        end_use(later(deadline, exit_patience));
        return all_done;
    }

private:
    /// A setting of the program: what becomes due is held to it as well.
    static inline constinit std::atomic<std::size_t> limit{usual_limit};

    struct record final : running_tasks::entry, errand {
        /// For one that gets no thread when it has become due.
        void run() override { instance().settle_without_thread(this); }

        task_ptr task;
        suspended* coroutine = nullptr; ///< instead of a task
        record* next_due = nullptr;
        bool was_delayed = false; ///< so its caller has had his answer
        bool has_left = false;    ///< to the default pool: there are too many threads
        std::exception_ptr why;   ///< it could not be started
    };

    static record* make_record(const call_site& where, const char* name) noexcept {
        const inside_library allocating;
        auto* const fresh = new (std::nothrow) record;
        if (fresh != nullptr) {
            fresh->where = where;
            fresh->name = name;
        }
        return fresh;
    }

    enum class entry : std::uint8_t { free, full, closed };

    entry enter(record& fresh) noexcept {
        const library_lock lock(mutex_);
        if (!is_open_here()) {
            return entry::closed;
        }
        if (threads_ >= limit.load(std::memory_order_relaxed)) {
            return entry::full;
        }
        ++accepted_;
        ++admissions_;
        link(fresh);
        return entry::free;
    }

    void link(record& fresh) noexcept {
        ++threads_;
        running_.link(fresh);
    }

    /// False if it has been written off.
    bool unlink(record& gone) noexcept {
        --threads_;
        const bool is_ours = running_.unlink(gone);
        if (!is_ours) {
            note_written_off_end();
        }
        quiet_.notify_all();
        return is_ours;
    }

    /// Starts the thread of a record, which is the thread's from there on. If that fails, the task
    /// comes back and goes to the default pool.
    refusal launch(record* fresh, task_ptr& task) {
        return start(*fresh) ? refusal::none : give_back(fresh, task);
    }

    /// Takes a record back whose thread could not be started.
    refusal give_back(record* fresh, task_ptr& task) {
        task = std::move(fresh->task);
        suspended* const coroutine = fresh->coroutine;
        const bool was_delayed = fresh->was_delayed;
        thread_trouble trouble;
        const bool had_its_fate = take_back(*fresh, trouble);
        delete fresh;
        refusal answer = refusal::none;
        if (coroutine != nullptr) {
            fall_back(*coroutine, had_its_fate, trouble);
        } else if (had_its_fate) { // closing reported it as abandoned while it was being started
            task.reset();
        } else {
            answer = was_delayed ? fall_back_when_due(task, trouble) : fall_back(task, trouble);
        }
        if (!had_its_fate) {
            note_arrival();
        }
        return answer;
    }

    // What was delayed, or has been suspended ------------------------------------------------------

    bool start_due(timed& item) noexcept override {
        auto* const coroutine = item.is_resumption ? static_cast<suspended*>(&item) : nullptr;
        auto* const task = item.is_resumption ? nullptr : static_cast<task_node*>(&item);
        record* const fresh = coroutine != nullptr ? make_record(coroutine->where, coroutine->name)
                                                   : make_record(task->where, task->name);
        if (fresh == nullptr) {
            return false;
        }
        fresh->coroutine = coroutine;
        fresh->was_delayed = true;
        if (task != nullptr) {
            task->is_delayed = false;
            fresh->task.reset(task);
        } else {
            fresh->is_passing = coroutine->is_guest;
        }
        const library_lock lock(mutex_);
        if (coroutine != nullptr) {
            *queue_end_ = fresh;
            queue_end_ = &fresh->next_due;
            while (record* const next = take_queued()) { // T2
                next->next_due = std::exchange(due_, next);
            }
        } else {
            link(*fresh);
            fresh->next_due = std::exchange(due_, fresh);
        }
        return true;
    }

    /// They have nowhere else to go on.
    static std::size_t most_for_coroutines() noexcept {
        const std::size_t allowed = limit.load(std::memory_order_relaxed);
        return allowed > 0 ? allowed : 1;
    }

    /// The coroutine that waits longest for a thread, if it may have one. Under the mutex.
    record* take_queued() noexcept {
        return queue_ != nullptr && threads_ < most_for_coroutines() ? &unqueue(*queue_) : nullptr;
    }

    record& unqueue(record& first) noexcept {
        queue_ = std::exchange(first.next_due, nullptr);
        queue_end_ = queue_ != nullptr ? queue_end_ : &queue_;
        resumptions_ += 1;
        link(first);
        return first;
    }

    void after_starting() override {
        while (record* const fresh = take_due()) {
            fresh->has_left = must_leave(*fresh);
            if (!fresh->has_left && start(*fresh)) {
                continue;
            }
            if (this_thread.is_keeper) {
                errands::instance().add(*fresh);
            } else {
                fresh->run();
            }
        }
    }

    void settle_without_thread(record* fresh) {
        task_ptr task;
        refusal why = refusal::none;
        if (fresh->has_left) {
            task = std::move(fresh->task);
            delete fresh;
            why = fall_back_when_due(task, {});
            note_arrival();
        } else {
            why = give_back(fresh, task);
        }
        if (task != nullptr && why != refusal::none) { // nobody waits for the answer any more
            drop_task(std::move(task), lent(), failure::refused, to_string(why));
        }
    }

    /// Whether a task that has become due finds too many threads.
    bool must_leave(record& fresh) noexcept {
        const library_lock lock(mutex_);
        const bool is_one_too_many = threads_ > limit.load(std::memory_order_relaxed) &&
                                     fresh.task != nullptr && !fresh.is_written_off;
        if (is_one_too_many) {
            leave_to_pool(fresh);
        }
        return is_one_too_many;
    }

    record* take_due() noexcept {
        const library_lock lock(mutex_);
        record* const first = due_;
        due_ = first != nullptr ? first->next_due : nullptr;
        return first;
    }

    void fall_back(suspended& coroutine, bool had_its_fate, const thread_trouble& trouble) {
        trouble.report("it goes to the default pool", nullptr);
        if (had_its_fate && !coroutine.is_guest) { // closing has counted and reported it
            coroutine.is_given_up = true;
            books.note_closed();
            coroutine.destroy(coroutine);
            return;
        }
        coroutine.is_guest = true;
        if (had_its_fate || !default_core().take_over(coroutine)) {
            sink_time for_sinks(steady_clock::now());
            abandoned_tasks abandoned(lent(), for_sinks);
            abandoned.add_queued(coroutine);
        }
    }

    /// Tries three times: the system may refuse a thread for a moment only.
    bool start(record& fresh) {
        constexpr thread_body body = [](void* threads, void* self) {
            static_cast<own_threads*>(threads)->live(static_cast<record*>(self));
        };
        bool is_started = start_thread(body, this, &fresh, fresh.why);
        for (int tries = 1; tries < 3 && !is_started; ++tries) {
            std::this_thread::yield();
            is_started = start_thread(body, this, &fresh, fresh.why);
        }
        if (is_started) {
            pause_.end();
        }
        return is_started;
    }

    /// For a record whose thread could not be started; true if it was written off meanwhile.
    bool take_back(record& fresh, thread_trouble& trouble) noexcept {
        const library_lock lock(mutex_);
        trouble = pause_.begin(fresh.where, std::move(fresh.why));
        return !leave_to_pool(fresh);
    }

    /// Another executor is to count it, unless it has been written off: then false. Until that one
    /// does, which note_arrival() says, it is on its way. Under the mutex.
    bool leave_to_pool(record& fresh) noexcept {
        const bool is_ours = unlink(fresh);
        accepted_ -= is_ours && fresh.coroutine == nullptr ? 1 : 0;
        on_the_way_ += is_ours ? 1 : 0;
        return is_ours;
    }

    void note_arrival() noexcept {
        const library_lock lock(mutex_);
        --on_the_way_;
        quiet_.notify_all();
    }

    static refusal fall_back(task_ptr& task, const thread_trouble& trouble) {
        trouble.report("it goes to the default pool", nullptr);
        task->end_watch();
        const refusal why = default_core().accept(task);
        return why == refusal::none ? why : refusal::no_thread;
    }

    /// The same on a thread that must not wait for room there, and may run no task.
    static refusal fall_back_when_due(task_ptr& task, const thread_trouble& trouble) {
        trouble.report("it goes to the default pool", nullptr);
        task->end_watch();
        const refusal why = default_core().take_over(task);
        return why == refusal::none ? why : refusal::no_thread;
    }

    /// Settles a record; what runs next on its thread, if anything. Under the mutex.
    void settle(record& self, fate result) noexcept {
        if (unlink(self)) {
            ended_.add(result);
        }
    }

    /// Goes on with a coroutine that waits for a thread, if there is one: settles what has run.
    record* next_of(record& done, fate result) noexcept {
        const library_lock lock(mutex_);
        if (queue_ == nullptr || threads_ > most_for_coroutines()) {
            return nullptr;
        }
        settle(done, result);
        record& next = unqueue(*queue_);
        next.thread = std::this_thread::get_id();
        return &next;
    }

    /// The end of a thread. What has come to wait for one meanwhile gets another.
    void end_thread(record& last, fate result) {
        bool has_more = false;
        {
            const library_lock lock(mutex_);
            settle(last, result);
            if (record* const next = take_queued()) {
                next->next_due = std::exchange(due_, next);
                has_more = true;
            }
        }
        if (has_more) {
            after_starting();
        }
    }

    /// Settles the record even where the task ends the thread by force: then it has failed.
    struct life {
        own_threads& all;
        std::unique_ptr<record> self;
        fate result = fate::failed;
        life(own_threads& in, record* of) noexcept : all(in), self(of) {}
        ~life() {
            all.end_if_forked();
            library_threads::instance().leave(); // J1
            all.end_thread(*self, result);
        }
        life(const life&) = delete;
        life& operator=(const life&) = delete;

        bool goes_on() noexcept {
            record* const next = all.next_of(*self, result);
            if (next != nullptr) {
                self.reset(next);
                result = fate::failed;
            }
            return next != nullptr;
        }
    };

    void live(record* self) {
        life its(*this, self);
        {
            const library_lock lock(mutex_);
            self->thread = std::this_thread::get_id();
        }
        name_this_thread("faf/own");
        do {
            its.result = run(*its.self);
        } while (its.goes_on());
    }

    fate run(record& self) {
        const running_entry_item item(mutex_, self, &lent());
        if (self.coroutine != nullptr) {
            resumption coroutine{self.coroutine};
            return run_task({resumption_type, &coroutine, self.where, self.name}, lent());
        }
        return run_task(
            std::move(self.task), lent(),
            [this](task_ptr again, std::uint64_t skipped) { repeat(std::move(again), skipped); });
    }

    stats count() const noexcept override {
        stats all = books.ends();
        all += count_timers();
        ended_.add_to(all);
        all.accepted += accepted_ + books.accepted();
        all.threads = threads_;
        all.resumptions = resumptions_;
        const std::uint64_t over = all.succeeded + all.failed + all.dropped;
        // Of those that run some may be coroutines that were fired elsewhere.
        const std::uint64_t open = all.accepted - over;
        all.running = running_.count() < open ? running_.count() : as_size(open);
        all.pending = as_size(all.accepted - over - all.running);
        return all;
    }

    bool is_quiet(std::size_t own) const noexcept override {
        return !has_awaited_timers() && queue_ == nullptr && running_.count() + on_the_way_ <= own;
    }

    void note_closed() noexcept override {}
    bool abandon_queued(abandoned_tasks& abandoned) override {
        record* left = nullptr;
        {
            const library_lock lock(mutex_);
            left = std::exchange(queue_, nullptr);
            queue_end_ = &queue_;
        }
        const bool is_any = left != nullptr;
        while (left != nullptr) {
            const std::unique_ptr<record> one(std::exchange(left, left->next_due));
            abandoned.add_queued(*one->coroutine);
        }
        return is_any;
    }
    void note_exit(std::unique_lock<std::mutex>&) override {}
    void call_again() noexcept override {}
    bool lend_a_hand(std::unique_lock<std::mutex>&, steady_time) override { return false; }

    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept override {
        const std::size_t uncounted = running_.passing_written_off();
        const std::size_t given_up = running_.write_off(abandoned);
        ended_.abandoned += given_up - (running_.passing_written_off() - uncounted);
        return given_up;
    }

    // All under the mutex.
    running_tasks running_;
    task_counts ended_;
    std::uint64_t accepted_ = 0; ///< but for those that had to wait for their time
    std::uint64_t admissions_ = 0;
    std::size_t on_the_way_ = 0; ///< to the default pool
    std::size_t threads_ = 0;
    record* due_ = nullptr;   ///< to be started by after_starting()
    record* queue_ = nullptr; ///< coroutines that wait for a thread, oldest first
    record** queue_end_ = &queue_;
    std::uint64_t resumptions_ = 0;
    hiring_pause pause_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
