// SPDX-License-Identifier: MIT
#pragma once

// The end of the program: every executor that holds tasks is enlisted here, and one atexit step
// lets each finish within its deadline. thread_pool.hpp and own_thread.hpp enlist.

#include "platform.hpp"
#include "report.hpp"
#include "time.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>

namespace faf::detail {

/// An executor that must not lose tasks at exit. Shared by its owner, its threads and the exit
/// step, and deleted by whoever lets go of it last.
class exit_party {
public:
    exit_party() noexcept = default;
    exit_party(const exit_party&) = delete;
    exit_party& operator=(const exit_party&) = delete;

    void keep() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }

    /// acq_rel: the last user deletes, and must see what the others did before they let go.
    void release() noexcept {
        if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    /// From now on accepts only what running tasks fire; asks those that take a stop_token to stop.
    virtual void begin_closing() = 0;

    /// Waits for its tasks until its own deadline, reports the rest as abandoned, and closes.
    /// `start` is when the exit began: all parties run on the same time.
    virtual void close_for_exit(steady_time start) = 0;

    virtual ~exit_party() = default;

private:
    friend class exit_registry;
    std::atomic<std::uint32_t> users_{1};
    exit_party* next_ = nullptr;
    exit_party* previous_ = nullptr;
    int phases_done_ = 0;
};

/// All exit parties, and the step that ends them.
class exit_registry {
public:
    /// Threads that exit() leaves running may come by until the very end, so it is never destroyed.
    static exit_registry& instance() noexcept {
        static never_destroyed<exit_registry> registry;
        return *registry;
    }

    exit_registry() noexcept {
        // Handlers run in reverse order of registration: what was built before the first pool is
        // still there while the tasks end. Should there be no room for the handler, exit drains
        // nothing; there is no one to tell yet.
        static_cast<void>(std::atexit([] { instance().exit(); }));
    }

    void enlist(exit_party& party) noexcept {
        const std::lock_guard lock(mutex_);
        party.next_ = first_;
        if (first_ != nullptr) {
            first_->previous_ = &party;
        }
        first_ = &party;
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
    /// All are asked to finish before any is waited for, so that they finish side by side.
    void exit() {
        const steady_time start = steady_clock::now();
        for (int phase = 1; phase <= 2; ++phase) {
            while (exit_party* party = next_for(phase)) {
                if (phase == 1) {
                    party->begin_closing();
                } else {
                    party->close_for_exit(start);
                }
                party->release();
            }
        }
        default_sink().flush();
        // The user's sink may refer to what static destructors end from here on.
        global_sink().clear();
    }

    /// A party that has not been through `phase`, kept; null when there is none. No lock is held
    /// while parties wait: their tasks may make and end pools.
    exit_party* next_for(int phase) noexcept {
        const std::lock_guard lock(mutex_);
        for (exit_party* party = first_; party != nullptr; party = party->next_) {
            if (party->phases_done_ < phase) {
                party->phases_done_ = phase;
                party->keep();
                return party;
            }
        }
        return nullptr;
    }

    std::mutex mutex_;
    exit_party* first_ = nullptr;
};

} // namespace faf::detail
