// SPDX-License-Identifier: MIT
#pragma once

// The worker threads of one pool and what each is doing. Not thread-safe: the pool's mutex guards
// it.

#include "../call_site.hpp"
#include "abandoned_tasks.hpp"
#include "platform.hpp"

#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

namespace faf::detail {

struct worker {
    unsigned number = 0;
    detachable_thread thread{};
    call_site where{};          ///< where the task it runs was fired
    const char* task = nullptr; ///< that task's name
    bool is_running = false;
    bool is_written_off = false; ///< its task was reported as abandoned while it ran
    bool has_left = false;
    std::unique_ptr<worker> next{};
};

class worker_roster {
public:
    worker_roster() noexcept = default;
    ~worker_roster() {
        // Only workers that nobody could wait for are still here: they end on their own.
        for (std::unique_ptr<worker> last = std::move(first_); last; last = std::move(last->next)) {
            if (last->thread.joinable()) {
                last->thread.detach();
            }
        }
    }
    worker_roster(const worker_roster&) = delete;
    worker_roster& operator=(const worker_roster&) = delete;

    /// Threads that have not left.
    std::size_t alive() const noexcept { return alive_; }

    /// The number that the next worker is known by, from 1.
    unsigned next_number() const noexcept { return hired_ + 1; }

    void add(std::unique_ptr<worker> recruit) noexcept {
        ++hired_;
        ++alive_;
        recruit->next = std::move(first_);
        first_ = std::move(recruit);
    }

    void note_left(worker& gone) noexcept {
        gone.has_left = true;
        --alive_;
    }

    /// True if none is left but those that nobody waits for.
    bool is_deserted() const noexcept {
        for (const worker* one = first_.get(); one != nullptr; one = one->next.get()) {
            if (!one->has_left && !one->is_written_off) {
                return false;
            }
        }
        return true;
    }

    /// Gives up those that are running a task, except the calling thread; returns how many.
    std::size_t write_off_running(abandoned_tasks& abandoned) noexcept {
        std::size_t written_off = 0;
        for (worker* one = first_.get(); one != nullptr; one = one->next.get()) {
            const bool is_this_thread = one->thread.get_id() == std::this_thread::get_id();
            if (one->is_running && !one->is_written_off && !is_this_thread) {
                one->is_written_off = true;
                abandoned.add_running(one->where, one->task);
                ++written_off;
            }
        }
        return written_off;
    }

    /// Takes out one that has left, to be joined without the lock; null if there is none.
    std::unique_ptr<worker> take_left() noexcept {
        for (std::unique_ptr<worker>* link = &first_; *link; link = &(*link)->next) {
            if ((*link)->has_left) {
                std::unique_ptr<worker> gone = std::move(*link);
                *link = std::move(gone->next);
                return gone;
            }
        }
        return nullptr;
    }

private:
    std::unique_ptr<worker> first_;
    std::size_t alive_ = 0;
    unsigned hired_ = 0;
};

} // namespace faf::detail
