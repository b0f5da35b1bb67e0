// SPDX-License-Identifier: MIT
#pragma once

// Sees to it that a pool has workers enough: the keeper's visits, in which it hires for those that
// are blocked and has those leave that are too many. elasticity.hpp is the policy.

#include "../../options.hpp"
#include "../executor/keeper.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "elasticity.hpp"
#include "progress_watch.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class lane_set;
class doorbell;
class quiescence;
class shutdown_participant;
class sink_lending;
class workforce;

/// The keeper's part in how many workers a pool has: it finds out who is blocked, and who sleeps
/// that is too many.
///
/// Cost    A visit takes some 10 us. They come each tick, and a few more when the last worker that
///         was free has just found a task: it calls the keeper, at most once a tick. So a task
///         behind others that have just blocked waits for 0.3-0.4 ms where an own thread takes
///         0.05 (tests/bench/fresh_blocking.cpp).
/// Limits  Workers that block when they have not been free for long are found out at the second
///         tick from then on: nobody tells the keeper.
///         Those that wait for a mutex are found out when a quarter of a second is over: what they
///         wait for may be waiting for a processor. So are those that change what memory the
///         process has. Other locks than those of glibc and musl are not known from other waits.
///         A worker that leaves as one too many does not count as asleep: a task that is stored in
///         that moment, while all others are kept, waits for the next visit.
class growth {
public:
    growth(const pool_options& asked, lane_set& lanes, workforce& workers,
           shutdown_participant& owner, quiescence& quiet, sink_lending& sinks);
    growth(const growth&) = delete;
    growth& operator=(const growth&) = delete;

    /// A worker has found a task, and nobody is free any more: should it be blocked, and the others
    /// too, others must come soon.
    void note_all_busy() noexcept {
        if (wants_to_know()) {
            call_keeper();
        }
    }

    /// Whether that is of interest. A hint: what goes amiss the next tick makes up for.
    bool wants_to_know() const noexcept { return wants_to_know_.load(std::memory_order_relaxed); }

    /// For the keeper. Does what is due every tick, as long as there is something to watch.
    ward::visit look_after(steady_time now);

    /// Whether the caller, who has found nothing to do, is one too many and is to leave.
    bool is_to_leave() noexcept;

private:
    /// What a visit finds.
    struct sight {
        steady_time now;
        std::uint32_t sleepers;
        bool has_tasks;
        std::uint32_t extra;
        bool is_anybody_free;
    };

    void see_to_progress(const sight& seen);
    void call_instead(const sight& seen);
    void let_leave(const sight& seen);
    void make_up_for_blocked(const sight& seen);
    void expect_saturation(steady_time now);
    void call_keeper() noexcept;
    bool may_grow() const noexcept;

    lane_set& lanes_;
    doorbell& bell_;
    workforce& workers_;
    shutdown_participant& owner_;
    quiescence& quiet_;
    sink_lending& sinks_;

    std::atomic<std::uint32_t> leaving_{0}; ///< as many are to leave when they find nothing to do
    std::atomic<bool> wants_to_know_;       ///< when nobody is free any more

    static constexpr unsigned ticks_per_sleep = 20; ///< of lanes that are idle

    // The keeper's.
    unsigned ticks_ = 0;
    progress_watch progress_;
    elasticity elasticity_;
    bool was_anybody_free_ = true;
    unsigned stuck_ = 0; ///< ticks without progress
    steady_time next_tick_{};
    steady_time next_look_{};     ///< while nobody is free
    steady_time next_question_{}; ///< when it may want to know again, lest it be called too often
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
