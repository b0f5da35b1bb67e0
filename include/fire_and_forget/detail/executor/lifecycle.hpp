// SPDX-License-Identifier: MIT
#pragma once

// The end of the program: every executor that holds tasks is enlisted here, and one atexit step
// lets them finish within their deadlines. The executors of the library enlist.

#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/module_stay.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/time.hpp"
#include "errands.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// An executor that must not lose tasks at exit. Shared by its owner, its threads and the exit
/// step, and deleted by whoever lets go of it last.
class exit_party {
public:
    exit_party() noexcept = default;
    virtual ~exit_party() = default;
    exit_party(const exit_party&) = delete;
    exit_party& operator=(const exit_party&) = delete;

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }

    /// The last user deletes it, but in a forked child lets its parent's lie.
    void release() noexcept;

    /// False in a forked child: it has no threads, and locks may be held by threads of its parent.
    bool is_in_its_process() const noexcept { return generation_ == generation_here(); }

    /// False if the last user has just let go of it. Relaxed: the lock of the list that led to it
    /// orders the rest.
    bool try_keep() noexcept {
        std::uint32_t users = users_.load(std::memory_order_relaxed);
        while (users > 0 &&
               !users_.compare_exchange_weak(users, users + 1, std::memory_order_relaxed)) {
        }
        return users > 0;
    }

    /// From now on takes only what running tasks fire, and asks those with a stop_token to stop.
    virtual void begin_closing() = 0;

    /// Waits until it is quiet or its deadline has come, counted from `start`. What can't start by
    /// then is reported at once.
    virtual void wait_for_exit(steady_time start, sink_time& for_sinks) = 0;

    /// Closes, and reports what is left as abandoned.
    virtual void close_for_exit(steady_time start, sink_time& for_sinks) = 0;

    /// Ends its threads, as far as they do until `deadline`.
    virtual void end_threads(steady_time) {}

    /// When its deadline is, for an exit that began at `start`.
    virtual steady_time exit_time(steady_time start) const = 0;

    /// A number that is another one when it has taken a task.
    virtual std::uint64_t admissions() const = 0;

private:
    friend class exit_registry;

    struct last_step final : errand {
        exit_party& of;
        explicit last_step(exit_party& one) noexcept : of(one) {}
        void run() override;
    };

    const std::uint32_t generation_ = generation_here();
    std::atomic<std::uint32_t> users_{1};
    exit_party* next_ = nullptr;
    exit_party* previous_ = nullptr;
    last_step last_step_{*this};
};

/// How long the end of the program waits for threads that have only their last steps to do.
inline constexpr std::chrono::milliseconds exit_patience{100};

/// All exit parties, and the step that ends them.
///
/// The exiting thread does not run tasks as long as others can: one that picks up a task without an
/// end would miss every deadline.
class exit_registry {
public:
    /// Threads that exit() leaves running may come by until the very end, so it is never destroyed.
    static exit_registry& instance() noexcept { return of_process().get(); }

    /// Adds a party, and registers the exit step if none is due. Handlers run in reverse order of
    /// registration: what was built before the first pool is still there while tasks end. When exit
    /// has been through already, the step runs again right after the handler it is called from.
    void enlist(exit_party& party) noexcept {
        bool is_due = true;
        {
            const library_lock lock(mutex_);
            has_new_party_ = true;
            party.next_ = first_;
            if (first_ != nullptr) {
                first_->previous_ = &party;
            }
            first_ = &party;
            is_due = std::exchange(is_due_, true);
        }
        if (!is_due) {
            register_step();
        }
    }

    /// A party begins to work. If that is new, the step is registered once more: its owner is
    /// complete by now, and if that has static storage, it is destroyed after the step. So the
    /// parties wait for their deadlines together, and not each of them in its owner's destructor.
    void note_work() noexcept {
        bool is_new = false;
        {
            const library_lock lock(mutex_);
            is_new = std::exchange(has_new_party_, false);
        }
        if (is_new) {
            register_step();
        }
    }

    void strike_off(exit_party& party) noexcept {
        const library_lock lock(mutex_);
        (party.previous_ != nullptr ? party.previous_->next_ : first_) = party.next_;
        if (party.next_ != nullptr) {
            party.next_->previous_ = party.previous_;
        }
        party.next_ = party.previous_ = nullptr;
    }

private:
    /// Without room for it exit drains nothing; nobody could be told.
    static void register_step() noexcept { static_cast<void>(call_at_exit<&exit_here>()); }

    static one_per_process<exit_registry>& of_process() noexcept {
        static constinit one_per_process<exit_registry> registry;
        return registry;
    }

    /// In a forked child that has made no executor there is nothing to end: the threads and their
    /// tasks are its parent's.
    static void exit_here() {
        if (exit_registry* const registry = of_process().find()) {
            registry->exit();
        }
    }

    void exit() {
        if (process_ != process_number()) {
            return; // forked without telling anybody: by _Fork() or a system call
        }
        const steady_time start = steady_clock::now();
        {
            // A party that is enlisted from here on, by a task or by the end of a sink, may come
            // too late to be visited: it has another step registered.
            const library_lock lock(mutex_);
            is_due_ = false;
        }
        for_each([](exit_party& party) { party.begin_closing(); });
        sink_time for_sinks(latest_end(start)); // one for all: slow sinks must not add up
        wait_for_all(start, for_sinks);
        for_each([&](exit_party& party) { party.close_for_exit(start, for_sinks); });
        if (is_in_loaded_module()) { // which may be about to be unloaded
            module_stay::instance().note_exit();
            for_each([&](exit_party& party) { party.end_threads(deadline_after(exit_patience)); });
            take_last_steps();
        }
        errands::instance().finish(deadline_after(exit_patience));
        library_threads::instance().join_left_until(deadline_after(exit_patience));
        default_sink().flush_for_exit();
        // The user's sink may refer to what static destructors end from here on.
        global_sink().clear();
    }

    /// Tasks of one may fire tasks at another: all are quiet when nothing was accepted during a
    /// round in which each was found quiet.
    void wait_for_all(steady_time start, sink_time& for_sinks) {
        std::uint64_t before = 0;
        do {
            before = admissions(start);
            for_each([&](exit_party& party) { party.wait_for_exit(start, for_sinks); });
        } while (admissions(start) != before);
    }

    steady_time latest_end(steady_time start) {
        steady_time latest = start;
        for_each([&](const exit_party& party) {
            const steady_time its_end = party.exit_time(start);
            latest = latest < its_end ? its_end : latest;
        });
        return latest;
    }

    /// Of those whose deadlines have not come.
    std::uint64_t admissions(steady_time start) {
        std::uint64_t sum = 0;
        for_each([&](const exit_party& party) {
            sum += steady_clock::now() < party.exit_time(start) ? party.admissions() : 0;
        });
        return sum;
    }

    /// Visits the parties that are there when it begins. No lock is held meanwhile: tasks may make
    /// and end pools. The one being visited is kept, so it stays in its place on the list.
    template <class Visit>
    void for_each(Visit visit) {
        exit_party* party = keep_next(nullptr);
        while (party != nullptr) {
            visit(*party);
            exit_party* const next = keep_next(party);
            party->release();
            party = next;
        }
    }

    /// The party after `from`, or the first, kept; null when there is none.
    exit_party* keep_next(const exit_party* from) noexcept {
        const library_lock lock(mutex_);
        exit_party* party = from != nullptr ? from->next_ : first_;
        while (party != nullptr && !party->try_keep()) {
            party = party->next_;
        }
        return party;
    }

    std::mutex mutex_;
    exit_party* first_ = nullptr;

    bool is_due_ = false;
    bool has_new_party_ = false; ///< for which note_work() has not been called
    const long process_ = process_number();
};

inline void exit_party::release() noexcept {
    // acq_rel: the last one must see what the others did before they let go.
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1 && is_in_its_process()) {
        if (this_thread.is_keeper) { // its tasks and its sink have destructors of users
            errands::instance().add(last_step_);
        } else {
            last_step_.run();
        }
    }
}

inline void exit_party::last_step::run() {
    exit_registry::instance().strike_off(of);
    delete &of;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
