// SPDX-License-Identifier: MIT
#pragma once

// Depth first: the lanes of a worker of which what its tasks fire is taken before anything else.
// lane_search.hpp looks there first, thread_lanes.hpp stores there.

#include "../platform/abi.hpp"
#include "lanes.hpp"
#include "run_length.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// One lane for each depth. What a task from lane i fires goes to lane i + 1, and what one from
/// elsewhere fires to lane 0; the worker takes from the deepest that has tasks. So of a tree of
/// tasks there wait only the children of those on the way to the one that runs, and not a whole
/// generation. Others take what is here as from any lane.
///
/// Tasks that fire none, the leaves, are most of a tree: they are taken by the run, more with each
/// run of its lane in which nothing was fired. What is fired in a run waits for its end.
///
/// Limits: what is deeper than there are lanes stays in the last one, in turn. One worker's; not
/// thread-safe, but for what lanes are.
class nest {
public:
    static constexpr std::size_t depths = 32;

    nest() noexcept = default;
    nest(const nest&) = delete;
    nest& operator=(const nest&) = delete;

    /// Where the task fires that runs; null as long as it has not been lent.
    pool_lane*& now() noexcept { return levels_[depth_].lane; }

    /// The task that comes is from elsewhere.
    void begin_elsewhere() noexcept {
        settle_last();
        depth_ = 0;
    }

    /// The same, unless `from` is one of its lanes: another had locked that when it was its turn.
    void begin_at(const pool_lane& from) noexcept {
        begin_elsewhere();
        for (std::size_t i = 0; i <= deepest_; ++i) {
            if (levels_[i].lane == &from) {
                begin_at(i);
                return;
            }
        }
    }

    /// Hands tasks of the deepest lane to `taker`; returns how many. How many there may be at most
    /// is asked of `longest_run` only where more than one would be taken: it looks at the clock.
    template <class Taker, class Longest>
    std::uint32_t take_deepest(Taker& taker, Longest longest_run) noexcept {
        settle_last();
        std::size_t locked = 0; // the deepest that has tasks and is locked by another
        for (std::size_t i = deepest_ + 1; i-- > 0;) {
            level& one = levels_[i];
            if (one.lane == nullptr || !one.lane->seems_used()) {
                continue;
            }
            std::uint32_t run = one.run;
            if (run > 1) {
                const std::uint32_t most = longest_run();
                run = most < run ? most : run;
            }
            if (const std::uint32_t taken = one.lane->try_take(taker, run)) {
                deepest_ = locked > i ? locked : i;
                begin_at(i);
                return taken;
            }
            locked = locked > i ? locked : i;
        }
        deepest_ = locked;
        return 0;
    }

    /// Gives each lane to `back` that has been lent.
    template <class Back>
    void give_back(Back back) const noexcept {
        for (const level& one : levels_) {
            if (one.lane != nullptr) {
                back(*one.lane);
            }
        }
    }

private:
    struct level {
        pool_lane* lane = nullptr;
        std::uint32_t run = 1; ///< how many are taken at once
    };

    void begin_at(std::size_t taken_from) noexcept {
        depth_ = taken_from + 1 < depths ? taken_from + 1 : taken_from;
        last_ = &levels_[taken_from];
        fired_before_ = fired();
    }

    /// What was taken last is over: it has fired, or its lane may be one of leaves.
    void settle_last() noexcept {
        const bool has_fired = fired() != fired_before_;
        if (has_fired && deepest_ < depth_) {
            deepest_ = depth_;
        }
        if (last_ != nullptr) {
            last_->run = has_fired                       ? 1
                         : last_->run < run_length::most ? 2 * last_->run
                                                         : last_->run;
        }
        last_ = nullptr;
        fired_before_ = fired();
    }

    std::uint64_t fired() noexcept { return now() != nullptr ? now()->pushed() : 0; }

    level levels_[depths]{};
    std::size_t depth_ = 0;   ///< where the task fires that runs
    std::size_t deepest_ = 0; ///< nothing waits in lanes that are deeper
    level* last_ = nullptr;   ///< where the tasks are from that run
    std::uint64_t fired_before_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
