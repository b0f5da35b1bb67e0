// SPDX-License-Identifier: MIT
#pragma once

// The tasks that run outside of a pool's workers: on threads of their own, or on their callers'.
// Not thread-safe: the mutex of their executor guards it.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "abandoned_tasks.hpp"

#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class running_tasks {
public:
    /// One of them, in the keeping of who runs it.
    struct entry {
        entry() noexcept = default;
        entry(const call_site& place, const char* named) noexcept
            : where(place), name(named), thread(std::this_thread::get_id()) {}

        call_site where{};
        const char* name = nullptr;
        std::thread::id thread{};
        bool is_written_off = false; ///< given up while it ran
        bool is_passing = false;     ///< what runs is counted elsewhere
        entry* next = nullptr;
        entry** link = nullptr; ///< what points here
    };

    /// Those that are not written off.
    std::size_t count() const noexcept { return count_; }

    void link(entry& fresh) noexcept {
        ++count_;
        fresh.next = first_;
        fresh.link = &first_;
        if (first_ != nullptr) {
            first_->link = &fresh.next;
        }
        first_ = &fresh;
    }

    /// False if it has been written off.
    bool unlink(entry& gone) noexcept {
        *gone.link = gone.next;
        if (gone.next != nullptr) {
            gone.next->link = gone.link;
        }
        count_ -= gone.is_written_off ? 0 : 1;
        return !gone.is_written_off;
    }

    /// Gives them up, but for those of the calling thread; returns how many.
    std::size_t write_off(abandoned_tasks& abandoned) noexcept {
        const std::size_t before = count_;
        for (entry* one = first_; one != nullptr; one = one->next) {
            if (!one->is_written_off && one->thread != std::this_thread::get_id()) {
                one->is_written_off = true;
                --count_;
                if (one->is_passing) {
                    ++passing_written_off_;
                } else {
                    abandoned.add_running(one->where, one->name);
                }
            }
        }
        return before - count_;
    }

    /// How many of those that were given up are counted elsewhere.
    std::size_t passing_written_off() const noexcept { return passing_written_off_; }

private:
    entry* first_ = nullptr;
    std::size_t count_ = 0;
    std::size_t passing_written_off_ = 0;
};

/// One of them as what a coroutine leaves that goes on elsewhere.
struct running_entry_item : running_item {
    running_entry_item(std::mutex& guarding, running_tasks::entry& its,
                       const void* executor) noexcept
        : running_item{executor,
                       [](running_item& self) noexcept {
                           auto& mine = static_cast<running_entry_item&>(self);
                           const library_lock lock(mine.mutex);
                           const bool is_counted =
                               mine.entry.is_written_off && !mine.entry.is_passing;
                           mine.entry.is_passing = mine.entry.is_passing || !is_counted;
                           return !is_counted;
                       },
                       [](running_item& self) noexcept {
                           auto& mine = static_cast<running_entry_item&>(self);
                           const library_lock lock(mine.mutex);
                           mine.entry.is_passing = mine.entry.is_passing && mine.is_guest;
                           return mine.is_guest || !mine.entry.is_written_off;
                       }},
          mutex(guarding), entry(its), is_guest(its.is_passing),
          outer(std::exchange(this_thread.item, this)) {}
    ~running_entry_item() { this_thread.item = outer; }
    running_entry_item(const running_entry_item&) = delete;
    running_entry_item& operator=(const running_entry_item&) = delete;

    std::mutex& mutex;
    running_tasks::entry& entry;
    const bool is_guest;
    running_item* const outer;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
