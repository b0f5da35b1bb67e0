// SPDX-License-Identifier: MIT
#pragma once

// Who may come into a pool, and what happens when as many tasks wait there as may: back-pressure.
// intake.hpp stores those that may.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../queue/pending_limit.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

enum class entry : std::uint8_t;
struct executor_parts;
class lane_set;
struct pool_extras;
struct pool_lane;

/// Invariant  ADMIT-1  In a pool with a limit a task has its place from before it is stored until a
///                     worker takes it or it is given up; one that repeats has it until it ends. A
///                     displaced task leaves its place to the new one.
class admission {
public:
    /// `extras`: null in a pool without a limit.
    admission(const pool_options& asked, lane_set& lanes, pending_limit& limit,
              executor_parts& parts, const pool_extras* extras) noexcept
        : options_(asked), lanes_(lanes), limit_(limit), parts_(parts), extras_(extras) {}
    admission(const admission&) = delete;
    admission& operator=(const admission&) = delete;

    /// Makes room for a task, or says why there is none.
    entry enter(priority level, refusal& why);

    /// The same if as many wait as may. Not for direct use: see pool_extras.
    entry make_room(priority level, refusal& why);

    /// For what goes on by way of somebody else's executor, and must not be refused for want of
    /// room.
    entry enter_begun(refusal& why);

    /// For a coroutine that goes on, which must not be refused.
    void enter_anyway() noexcept;

    /// What has entered has not come about after all.
    void leave();

    /// Nobody who waits for room will have it any more: they look again.
    void note_closed() { limit_.wake_all(); }

    /// Whether a task may be taken out again after it was stored: then it has to be on the heap.
    bool may_displace() const noexcept {
        return limit_.exists() && options_.when_full == overflow::drop_oldest;
    }

    std::uint64_t displaced() const noexcept { return displaced_.load(std::memory_order_acquire); }

private:
    refusal wait_for_room();
    bool displace(priority level);
    pool_lane* lane_of_oldest(std::size_t level) const noexcept;
    bool try_displace(pool_lane& lane);

    const pool_options& options_;
    lane_set& lanes_;
    pending_limit& limit_;
    executor_parts& parts_;
    const pool_extras* const extras_;
    std::atomic<std::uint64_t> displaced_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
