// SPDX-License-Identifier: MIT
#pragma once

// The tasks of a full pool that their callers run themselves. Not thread-safe: the pool's mutex
// guards it.

#include "../call_site.hpp"
#include "abandoned_tasks.hpp"
#include "scheduler.hpp"
#include "worker.hpp"

#include <cstddef>
#include <cstdint>
#include <thread>

namespace faf::detail {

class caller_runs {
public:
    /// One of them, on its caller's stack.
    struct run {
        call_site where{};
        const char* name = nullptr;
        std::thread::id thread = std::this_thread::get_id();
        bool is_written_off = false; ///< reported as abandoned while it ran
        run* next = nullptr;
        run** link = nullptr; ///< what points here
    };

    void enter(run& fresh) noexcept {
        ++entered_;
        ++running_;
        fresh.next = first_;
        fresh.link = &first_;
        if (first_ != nullptr) {
            first_->link = &fresh.next;
        }
        first_ = &fresh;
    }

    /// True if it had been written off.
    bool leave(run& gone, fate result) noexcept {
        *gone.link = gone.next;
        if (gone.next != nullptr) {
            gone.next->link = gone.link;
        }
        if (!gone.is_written_off) {
            --running_;
            counts_.add(result);
        }
        return gone.is_written_off;
    }

    /// Gives them up, but for those of the calling thread; returns how many.
    std::size_t write_off(abandoned_tasks& abandoned) noexcept {
        std::size_t given_up = 0;
        for (run* one = first_; one != nullptr; one = one->next) {
            if (!one->is_written_off && one->thread != std::this_thread::get_id()) {
                one->is_written_off = true;
                abandoned.add_running(one->where, one->name);
                ++given_up;
            }
        }
        running_ -= given_up;
        counts_.abandoned += given_up;
        return given_up;
    }

    std::uint64_t entered() const noexcept { return entered_; }
    std::size_t running() const noexcept { return running_; }
    const task_counts& ended() const noexcept { return counts_; }

private:
    run* first_ = nullptr;
    std::uint64_t entered_ = 0;
    std::size_t running_ = 0;
    task_counts counts_;
};

} // namespace faf::detail
