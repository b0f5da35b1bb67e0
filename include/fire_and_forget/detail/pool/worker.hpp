// SPDX-License-Identifier: MIT
#pragma once

// One worker of a pool: what it does, what it has done, and where it looks. worker_loop.hpp has it
// work; worker_roster.hpp keeps it.

#include "../../worker_info.hpp"
#include "../platform/abi.hpp"
#include "../platform/cpu_use.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/lane_search.hpp"
#include "../queue/lanes.hpp"
#include "../queue/nest.hpp"
#include "../queue/thread_lanes.hpp"
#include "task_counts.hpp"
#include "task_taker.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A worker's record. What it needs while it works is its own, the rest is under the pool's mutex.
struct alignas(cache_line) worker {
    worker(lane_set& of, claim& its) noexcept
        : lanes(of), taker(its, &of),
          own_nest(of.is_nested_first() ? new (std::nothrow) nest : nullptr),
          search(of, own_nest.get()) {}
    ~worker() { lanes.take_back(taker.its()); }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// Begins its next task: one that it has claimed before, or else one from a lane. What it has
    /// claimed before a pause comes first after it. // CLAIM-2
    bool take_next() noexcept {
        if (taker.begin_next()) {
            return true;
        }
        const bool has_one = !taker.its().has_more() && search.take_next(taker, turn);
        if (has_one && own_nest != nullptr) {
            take_at_hand(lanes, *own_nest);
        }
        return has_one;
    }

    /// Of which other workers it takes something over.
    enum class from : std::uint8_t { anybody, who_stands_still };

    /// Begins a task that another worker has claimed and not begun. How many it got.
    std::uint32_t take_over(from whom = from::anybody) noexcept {
        if (taker.its().has_unbegun()) {
            return 0; // all is paused // CLAIM-2
        }
        const std::uint32_t count = lanes.withdraw_into(
            taker.its(),
            [&](const claim& its) { return whom == from::anybody || its.stands_still(); },
            [this](const slot& first) { taker.describe(first); });
        if (count > 0 && own_nest != nullptr) {
            own_nest->begin_elsewhere();
            take_at_hand(lanes, *own_nest);
        }
        return count;
    }

    lane_set& lanes;
    task_taker taker;
    std::unique_ptr<nest> own_nest; ///< null: what its tasks fire is taken in turn
    lane_search search;
    doorbell::turn turn = doorbell::turn::of_another;
    unsigned searches = 0;   ///< when it had nothing claimed any more
    unsigned vain_looks = 0; ///< since it last tried to take over
    running_counts counts;

    unsigned number = 0; ///< in the name of its thread
    worker_info info{};
    bool is_extra = false;       ///< was hired for a blocked one: it never counted as asleep
    bool is_guest = false;       ///< of a worker that runs tasks inside of its own
    bool has_left_place = false; ///< to another, because its task has called exit()
    worker* next = nullptr;

    std::atomic<std::thread::id> id{};  ///< nobody's until it has begun
    std::atomic<long> thread_number{0}; ///< 0 until it has begun

    // How the keeper saw it last.
    std::uint64_t ended_by_then = 0;
    steady_time busy_since{};
    cpu_use use;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
