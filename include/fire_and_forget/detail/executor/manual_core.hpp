// SPDX-License-Identifier: MIT
#pragma once

// The inside of the class in ../../testing/manual_executor.hpp: what waits for a test to run it,
// and a clock that the test moves.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../../time_span.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../queue/timer_queue.hpp"
#include "../task/host.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "../task/timer_order.hpp"
#include "abandoned_tasks.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A number that is another one each time.
std::uint64_t new_seed();

/// Writes a line on standard error: the test that fails may be repeated with it.
void tell_seed(std::uint64_t seed);

/// Its first members do what is said there; the others are for the coroutines that run here.
class manual_core final : public scheduler_with_books {
public:
    manual_core(bool is_shuffled, std::uint64_t seed) noexcept
        : is_shuffled_(is_shuffled), random_(seed) {}
    ~manual_core();

    scheduler& home() noexcept { return *this; }
    manual_core(const manual_core&) = delete;
    manual_core& operator=(const manual_core&) = delete;

    /// What is refused stays the caller's.
    refusal accept(task_ptr& task) noexcept;

    bool run_one();

    std::size_t run_all();

    std::size_t advance(time_span step);

    steady_time now() const noexcept override { return now_.load(std::memory_order_relaxed); }

    std::size_t pending() const;

    refusal start_turn(suspended& turn) noexcept;

    refusal start_coroutine(suspended& one) override;
    bool resume_soon(suspended& one) noexcept override;
    bool resume_at(suspended& one) noexcept override;
    void notice_stop() noexcept override {} // take() looks each time
    bool is_stopping() const noexcept override { return false; }
    helped help(reach how_far, function_ref<bool()> is_over) override;
    void keep_scheduler() noexcept override {}
    void release_scheduler() noexcept override {}
    void notice_end() noexcept override {}
    unsigned most_in_turn() const noexcept override { return 1; } // as run_one() does
    void repeat_after(task_ptr task, repetition answer) noexcept override;

private:
    void add_ready(timer_node& item) noexcept;

    /// What finds no memory waits beside the others.
    void add_waiting(timer_node& item) noexcept;

    void look_at_spilled() noexcept;

    timer_node* take_ready() noexcept;
    std::size_t next_place() noexcept;

    /// What is due is ready, and what was asked to stop does not wait for its time.
    timer_node* take();

    timer_node* take_any();

    steady_time next_due() const;

    void move_to(steady_time time) noexcept;

    void run(timer_node& item);

    void abandon(suspended& one) const;

    void abandon_waits();

    mutable std::mutex mutex_;
    std::atomic<steady_time> now_{steady_clock::now()};
    timer_node* ready_ = nullptr;
    timer_node** end_ = &ready_;
    std::size_t ready_count_ = 0;
    const bool is_shuffled_;
    std::uint64_t random_;
    timer_order timers_;
    timer_node* spilled_ = nullptr;
    std::size_t spilled_count_ = 0;
    const host host_{nullptr, {}, this};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
