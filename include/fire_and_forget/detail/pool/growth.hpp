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
/// Limits  A worker that leaves as one too many does not count as asleep: a task that is stored in
///         that moment, while all others are kept, waits for the next visit.
class growth {
public:
    growth(const pool_options& asked, lane_set& lanes, workforce& workers,
           shutdown_participant& owner, quiescence& quiet, sink_lending& sinks);
    growth(const growth&) = delete;
    growth& operator=(const growth&) = delete;

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
    };

    void see_to_progress(const sight& seen);
    void call_instead(const sight& seen, unsigned stuck);
    void let_leave(const sight& seen);
    void make_up_for_blocked(steady_time now, unsigned stuck);

    lane_set& lanes_;
    doorbell& bell_;
    workforce& workers_;
    shutdown_participant& owner_;
    quiescence& quiet_;
    sink_lending& sinks_;

    std::atomic<std::uint32_t> leaving_{0}; ///< as many are to leave when they find nothing to do

    // The keeper's.
    progress_watch progress_;
    elasticity elasticity_;
    steady_time next_tick_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
