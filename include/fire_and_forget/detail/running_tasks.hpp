// SPDX-License-Identifier: MIT
#pragma once

// The tasks that run outside of a pool's workers: on threads of their own, or on their callers'.
// Not thread-safe: the mutex of their executor guards it.

#include "../call_site.hpp"
#include "abandoned_tasks.hpp"
#include "abi.hpp"

#include <cstddef>
#include <thread>

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
        bool is_written_off = false; ///< reported as abandoned while it ran
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
                abandoned.add_running(one->where, one->name);
                --count_;
            }
        }
        return before - count_;
    }

private:
    entry* first_ = nullptr;
    std::size_t count_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
