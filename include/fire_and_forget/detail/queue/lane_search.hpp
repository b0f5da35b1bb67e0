// SPDX-License-Identifier: MIT
#pragma once

// In which order a worker looks through the lanes of its pool.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/time.hpp"
#include "crowding.hpp"
#include "lanes.hpp"
#include "nest.hpp"
#include "run_length.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Looks from high priority to low; but of 16 looks one begins with low and one with normal, so
/// that no priority waits for ever. Each task that is taken counts as a look. It stays with a lane
/// that has tasks, whose lines are at hand then, but until it has taken from it 16 times, so that
/// no lane waits for ever either: not for longer than 16 tasks, or 16 runs of short ones, which are
/// a third of a millisecond. Who went on after a single run would meet the others in nearly each
/// lane: tasks that fire tasks take a quarter as long again then. One worker's; not thread-safe.
///
/// Cost: a lane of another thread that is empty costs two loads of lines that change only when it
/// is used, and nothing when it is dormant: 64 of those cost one load (pool_lane.hpp). So a look
/// fetches the lines of lanes that were used meanwhile, and only those.
///
/// It takes several short tasks of a lane at once (run_length.hpp), if nobody is idle who could run
/// them: up to the next look at another priority where there are lanes of lower ones, and only one
/// where there are some of higher ones. Else a run may go past such a look, which comes next then:
/// so the leaves of a tree, ten at a time, are taken by one look (nest.hpp) and not by two or more,
/// which costs a tree a sixth.
class lane_search {
public:
    /// `own` is looked into before other lanes of normal priority, if there is one; but where a
    /// look begins with that priority, not at all.
    explicit lane_search(const lane_set& set, nest* own = nullptr) noexcept
        : set_(&set), nest_(own) {}

    /// Hands the next task to `taker`; false if none was found. Whose turn it is to look is idle:
    /// it need not read the doorbell's line, which submits have, to know that somebody is.
    template <class Taker>
    bool take_next(Taker& taker, doorbell::turn whose = doorbell::turn::of_another) noexcept {
        whose_ = whose;
        const std::size_t first = level_in_turn();
        std::uint32_t taken = take_of(first, taker, first == level_of(priority::normal));
        for (std::size_t level = 0; level < priorities && taken == 0; ++level) {
            taken = level != first ? take_of(level, taker, false) : 0;
        }
        looks_ += taken > 0 ? taken : 1;
        if (taken > 0 && asked_ > 0) {
            runs_.take(asked_at_, asked_);
        }
        asked_ = 0;
        return taken > 0;
    }

private:
    static constexpr unsigned turns = 16;
    static constexpr unsigned longest_stay = 16;

    static constexpr std::size_t level_of(priority level) noexcept {
        return static_cast<std::size_t>(level);
    }

    struct place {
        pool_lane* at = nullptr;
        unsigned stay = 0;    ///< how often it has taken there
        bool is_left = false; ///< to others, if there is something elsewhere or for a moment
        crowding crowd;
    };

    /// With which priority a look begins.
    std::size_t level_in_turn() noexcept {
        priority level = priority::high;
        if (looks_ >= low_from_) {
            low_from_ = looks_ + turns;
            level = priority::low;
        } else if (looks_ >= normal_from_) {
            normal_from_ = looks_ + turns;
            level = priority::normal;
        }
        return level_of(level);
    }

    template <class Taker>
    std::uint32_t take_of(std::size_t level, Taker& taker, bool elsewhere_first) noexcept {
        return nest_ != nullptr || set_->first(level) != nullptr
                   ? take_of_used(level, taker, elsewhere_first)
                   : 0;
    }

    template <class Taker>
    std::uint32_t take_of_used(std::size_t level, Taker& taker, bool elsewhere_first) noexcept {
        if (nest_ == nullptr) [[likely]] {
            return take_from(level, taker, [](const pool_lane&) { return true; });
        }
        const bool is_normal = level == level_of(priority::normal);
        const auto from_nest = [&] {
            return is_normal ? nest_->take_deepest(taker, [&] { return longest_run(level); }) : 0;
        };
        std::uint32_t taken = elsewhere_first ? 0 : from_nest();
        if (taken == 0) {
            taken = take_from(level, taker, [&](const pool_lane& lane) {
                return !elsewhere_first || lane.how != pool_lane::use::nested;
            });
            if (taken > 0) {
                nest_->begin_at(*places_[level].at);
            } else if (elsewhere_first) {
                taken = from_nest();
            }
        }
        return taken;
    }

    template <class Taker, class Predicate>
    std::uint32_t take_from(std::size_t level, Taker& taker, Predicate may_be) noexcept {
        place& now = places_[level];
        pool_lane* const first = set_->first(level);
        if (first == nullptr) {
            return 0;
        }
        if (now.at == nullptr) {
            now.at = first;
        }
        // The lock of a lane that others try as well is taken only if there is reason to.
        const bool is_likely = level == level_of(priority::normal);
        const std::uint32_t run = longest_run(level);
        const bool is_left = std::exchange(now.is_left, false);
        const bool may_stay = now.stay < longest_stay && !is_left;
        const pool_lane* tried = nullptr; // asked again, it would take the line of its owner
        if (may_stay && (is_likely || now.at->seems_used()) && may_be(*now.at)) {
            if (const std::uint32_t taken = now.at->try_take(taker, run)) {
                ++now.stay;
                note_taken(now);
                return taken;
            }
            tried = now.at;
        }
        std::uint32_t taken = 0;
        pool_lane* const next = set_->of(level).find_awake_behind(*now.at, [&](pool_lane& lane) {
            if (is_left && &lane == now.at) {
                let_a_moment_pass();
            }
            const bool may_have = &lane != tried && may_be(lane) && lane.seems_used();
            taken = may_have ? lane.try_take(taker, run) : 0;
            return taken > 0;
        });
        if (next != nullptr) {
            if (next != now.at) {
                now.at = next;
                now.crowd.begin(next->taken());
            } else {
                note_taken(now);
            }
            now.stay = 1;
        } else if (!may_stay) {
            now.stay = 0;
        }
        return taken;
    }

    /// Whether to leave the lane to others. Who takes runs meets them too seldom for that.
    void note_taken(place& from) noexcept {
        if (set_->is_taken_singly() && from.crowd.note(from.at->taken())) {
            from.is_left = from.crowd.settle(steady_clock::now());
        }
    }

    static void let_a_moment_pass() noexcept {
        const steady_time end = steady_clock::now() + crowding::moment;
        do {
            cpu_relax();
        } while (steady_clock::now() < end);
    }

    /// How many tasks may be taken at once.
    std::uint32_t longest_run(std::size_t level) noexcept {
        if (whose_ == doorbell::turn::mine || set_->is_taken_singly() ||
            !set_->bell.nobody_is_idle()) {
            return 1;
        }
        bool is_only_one = true;
        for (std::size_t other = 0; other < priorities; ++other) {
            if (other != level && set_->first(other) != nullptr) {
                if (other < level) {
                    return 1; // what comes there goes first
                }
                is_only_one = false;
            }
        }
        asked_at_ = asked_ > 0 ? asked_at_ : steady_clock::now();
        asked_ = runs_.next(asked_at_);
        if (nest_ != nullptr && asked_ > turns) {
            asked_ = turns; // one start in as many is for what waits elsewhere
        }
        if (is_only_one) {
            return asked_;
        }
        const std::uint64_t turn = low_from_ < normal_from_ ? low_from_ : normal_from_;
        const std::uint64_t until_turn = turn > looks_ ? turn - looks_ : 1;
        return asked_ < until_turn ? asked_ : static_cast<std::uint32_t>(until_turn);
    }

    const lane_set* set_;
    nest* nest_; ///< not owned; null: there is none
    place places_[priorities]{};
    std::uint64_t looks_ = 1; ///< and tasks: each that was taken counts as one
    std::uint64_t normal_from_ = turns / 2;
    std::uint64_t low_from_ = turns;
    run_length runs_;
    steady_time asked_at_{};
    doorbell::turn whose_ = doorbell::turn::of_another; ///< in this look
    std::uint32_t asked_ = 0; ///< how many runs_ has allowed in this look; none: it was not asked
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
