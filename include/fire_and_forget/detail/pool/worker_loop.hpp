// SPDX-License-Identifier: MIT
#pragma once

// What a worker of a pool does: it waits for tasks, and has them run (task_runner.hpp).
// workforce.hpp hires it.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "lingering.hpp"
#include "task_runner.hpp"
#include "worker.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class doorbell;
class growth;
class lane_set;
class pending_limit;
class quiescence;
class workforce;
struct executor_parts;
class shutdown_participant;

/// Invariants  WORKER-1  A worker stays until it has found nothing after it was dismissed.
///             WORKER-2  Where workers wake each other, somebody looks whenever somebody sleeps: a
///                       worker falls asleep only while another looks, and who stops looking rings.
///             WORKER-3  Where one stays near while tasks keep coming, it naps with its turn at
///                       looking: what is stored meanwhile starts one nap later at most, whoever
///                       else sleeps. While it runs a task nobody looks, and the next submit rings.
///             WORKER-4  linger_ is touched only by the one whose turn at looking it is.
///             WORKER-5  Nobody sleeps or naps while something is claimed and not begun: who has
///                       looked in vain for as long as a look takes, be it in several, takes it
///                       over. So what stands behind a task that blocks waits for one look, if
///                       anybody has nothing to do. Else it waits for a tick of the keeper and 16
///                       searches: then a worker takes over from who has stood still. One that has
///                       just been hired takes over before it searches.
class worker_loop {
public:
    worker_loop(const pool_options& asked, lane_set& lanes, workforce& workers, growth& size,
                pending_limit& limit, shutdown_participant& owner, executor_parts& parts) noexcept;
    worker_loop(const worker_loop&) = delete;
    worker_loop& operator=(const worker_loop&) = delete;

    /// Takes and runs tasks until it is time to leave.
    void work_through(worker& self) {
        while (next_task(self)) {
            runner_.run(self);
        }
    }

    /// Runs a task if there is one, and waits for none: for who is no worker for good. What `guest`
    /// takes over and does not begin stays in its claim, for others.
    bool run_one(worker& guest);

private:
    static constexpr unsigned tries = 8;
    static constexpr unsigned looks_per_clock = 32;
    static constexpr unsigned looks_per_take_over = 512;
    static constexpr std::chrono::microseconds longest_alone{8}; ///< on its processor, who looks
    static constexpr unsigned searches_per_take_over = 16;
    static constexpr std::chrono::milliseconds longest_nap{10}; ///< else dismissal takes long

    /// What a worker stops looking for: a task that it has begun, another thing, or its end.
    enum class purpose : std::uint8_t { task, absence, dismissal };

    bool next_task(worker& self);
    bool wait_for_task(worker& self);
    bool look(worker& self);
    bool look_while_near(worker& self, steady_time now);
    void note_find(const worker& self, steady_time now, lingering::found how) noexcept;
    bool has_errands() const noexcept;
    bool stays_near(steady_time now) const noexcept;
    std::chrono::nanoseconds nap(steady_time now) const noexcept;
    bool take_over(worker& self, worker::from whom = worker::from::anybody);
    void end_look(worker& self, purpose what);
    bool leaves_need(const worker& self, purpose what) const noexcept;
    void sleep(worker& self, unsigned& vain_hopes);
    bool has_hope(unsigned& vain_hopes) const noexcept;
    std::chrono::nanoseconds longest_look() const noexcept;

    const pool_options& options_;
    lane_set& lanes_;
    doorbell& bell_;
    workforce& workers_;
    growth& growth_;
    pending_limit& limit_;
    quiescence& quiet_;
    task_runner runner_;
    lingering linger_; // WORKER-4
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
