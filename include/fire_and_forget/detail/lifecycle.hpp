// SPDX-License-Identifier: MIT
#pragma once

// The end of the program: every executor that holds tasks is enlisted here, and one atexit step
// lets them finish within their deadlines. executor_core.hpp enlists.

#include "platform.hpp"
#include "report.hpp"
#include "time.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace faf::detail {

/// An executor that must not lose tasks at exit. Shared by its owner, its threads and the exit
/// step, and deleted by whoever lets go of it last.
class exit_party {
public:
    exit_party() noexcept = default;
    virtual ~exit_party() = default;
    exit_party(const exit_party&) = delete;
    exit_party& operator=(const exit_party&) = delete;

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }

    /// The last user deletes it.
    void release() noexcept;

    /// From now on takes only what running tasks fire, and asks those with a stop_token to stop.
    virtual void begin_closing() = 0;

    /// Waits until it is quiet; false if its deadline, counted from `start`, comes first.
    virtual bool wait_for_exit(steady_time start) = 0;

    /// Closes, and reports what is left as abandoned.
    virtual void close_for_exit(steady_time start) = 0;

    /// A number that grows with every task it takes.
    virtual std::uint64_t admissions() const = 0;

private:
    friend class exit_registry;

    /// False if the last user has just let go of it. Relaxed: the registry's lock orders the rest.
    bool try_keep() noexcept {
        std::uint32_t users = users_.load(std::memory_order_relaxed);
        while (users > 0 &&
               !users_.compare_exchange_weak(users, users + 1, std::memory_order_relaxed)) {
        }
        return users > 0;
    }

    std::atomic<std::uint32_t> users_{1};
    exit_party* next_ = nullptr;
    exit_party* previous_ = nullptr;
    std::uint64_t last_round_ = 0;
};

/// All exit parties, and the step that ends them.
///
/// The exiting thread does not run tasks as long as others can: one that picks up a task without an
/// end would miss every deadline.
class exit_registry {
public:
    /// Threads that exit() leaves running may come by until the very end, so it is never destroyed.
    static exit_registry& instance() noexcept {
        static never_destroyed<exit_registry> registry;
        return *registry;
    }

    /// Adds a party, and registers the exit step if none is due. Handlers run in reverse order of
    /// registration: what was built before the first pool is still there while tasks end. When exit
    /// has been through already, the step runs again right after the handler it is called from.
    void enlist(exit_party& party) noexcept {
        bool is_due = true;
        {
            const std::lock_guard lock(mutex_);
            party.next_ = first_;
            if (first_ != nullptr) {
                first_->previous_ = &party;
            }
            first_ = &party;
            is_due = std::exchange(is_due_, true);
        }
        if (!is_due) { // Without room for it exit drains nothing; nobody could be told.
            static_cast<void>(std::atexit([] { instance().exit(); }));
        }
    }

    void strike_off(exit_party& party) noexcept {
        const std::lock_guard lock(mutex_);
        (party.previous_ != nullptr ? party.previous_->next_ : first_) = party.next_;
        if (party.next_ != nullptr) {
            party.next_->previous_ = party.previous_;
        }
        party.next_ = party.previous_ = nullptr;
    }

private:
    void exit() {
        if (process_ != process_number()) {
            return; // a forked child: the threads and their tasks are its parent's
        }
        const steady_time start = steady_clock::now();
        for_each([](exit_party& party) { party.begin_closing(); });
        wait_for_all(start);
        for_each([=](exit_party& party) { party.close_for_exit(start); });
        default_sink().flush_for_exit();
        // The user's sink may refer to what static destructors end from here on.
        global_sink().clear();
        const std::lock_guard lock(mutex_);
        is_due_ = false;
    }

    /// Tasks of one may fire tasks at another: all are quiet when nothing was accepted during a
    /// round in which each was found quiet.
    void wait_for_all(steady_time start) {
        bool in_time = true;
        std::uint64_t before = 0;
        do {
            before = admissions();
            for_each([&](exit_party& party) { in_time = party.wait_for_exit(start) && in_time; });
        } while (in_time && admissions() != before);
    }

    std::uint64_t admissions() {
        std::uint64_t sum = 0;
        for_each([&](const exit_party& party) { sum += party.admissions(); });
        return sum;
    }

    /// Visits every party once. No lock is held meanwhile: tasks may make and end pools.
    template <class Visit>
    void for_each(Visit visit) {
        std::uint64_t round = 0;
        {
            const std::lock_guard lock(mutex_);
            round = ++round_;
        }
        while (exit_party* party = next_in(round)) {
            visit(*party);
            party->release();
        }
    }

    /// A party that has not been visited in this round, kept; null when there is none.
    exit_party* next_in(std::uint64_t round) noexcept {
        const std::lock_guard lock(mutex_);
        for (exit_party* party = first_; party != nullptr; party = party->next_) {
            if (party->last_round_ < round && party->try_keep()) {
                party->last_round_ = round;
                return party;
            }
        }
        return nullptr;
    }

    std::mutex mutex_;
    exit_party* first_ = nullptr;
    std::uint64_t round_ = 0;
    bool is_due_ = false;
    const long process_ = process_number();
};

inline void exit_party::release() noexcept {
    // acq_rel: the last one must see what the others did before they let go.
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        exit_registry::instance().strike_off(*this);
        delete this;
    }
}

} // namespace faf::detail
