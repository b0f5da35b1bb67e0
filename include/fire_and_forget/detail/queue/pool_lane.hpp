// SPDX-License-Identifier: MIT
#pragma once

// A lane as one of a pool's, and the lanes of one priority. lanes.hpp has a list for each.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "block.hpp"
#include "lane.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct pool_lane;

/// 64 lanes at most, so that who looks for tasks passes those by, with one load, that have been
/// idle for long.
struct alignas(cache_line) lane_group {
    static constexpr unsigned size = 64;

    /// The first of `among` that is awake and for which `is_it` holds; null if there is none.
    template <class Predicate>
    pool_lane* find(std::uint64_t among, Predicate& is_it) const {
        std::uint64_t left = awake.load(std::memory_order_acquire) & among; // LANES-1
        while (left != 0) {
            pool_lane* const lane = lanes[std::countr_zero(left)];
            if (is_it(*lane)) {
                return lane;
            }
            left &= left - 1;
        }
        return nullptr;
    }

    std::atomic<std::uint64_t> awake{0}; ///< a bit for each that may have tasks
    lane_group* next = nullptr;          ///< for good once it is on the list
    pool_lane* lanes[size]{};            ///< each for good once its bit was set
};

struct pool_lane : basic_lane<slots_per_block> {
    /// Who stores there: a thread; the keeper, what has been accepted before; or a worker, what its
    /// tasks fire that goes first (nest.hpp).
    enum class use : std::uint8_t { by_thread, by_timers, nested };

    /// What its owner is to heed once it has stored a task.
    enum notice : std::uint8_t { pool_is_closed = 1, is_dormant = 2 };

    void put_up(notice what) noexcept { notices_.fetch_or(what); }
    bool has(notice what) const noexcept {
        return (notices_.load(std::memory_order_relaxed) & what) != 0;
    }

    // Under the lock of the lanes: who looks for tasks looks here, or does not. // LANES-4
    void rouse() noexcept {
        notices_.fetch_and(static_cast<std::uint8_t>(~is_dormant));
        group->awake.fetch_or(bit);
    }
    void let_sleep() noexcept { group->awake.fetch_and(~bit); }

    pool_lane* next = nullptr;        ///< of the same priority; for good once it is on the list
    pool_lane* next_free = nullptr;   ///< under the lock
    lane_group* group = nullptr;      ///< constant, as is the bit
    std::uint64_t bit = 0;            ///< its own in the group
    use how = use::by_thread;         ///< constant
    std::uint64_t pushed_by_then = 0; ///< when the keeper saw it last
};

/// The lanes of one priority. They stay as long as the pool's.
class lane_list {
public:
    lane_list() noexcept = default;
    lane_list(const lane_list&) = delete;
    lane_list& operator=(const lane_list&) = delete;
    ~lane_list();

    /// A new lane; null if there is no memory. Under a lock.
    pool_lane* add(pool_lane::use how) noexcept;

    pool_lane* first() const noexcept {
        return first_.load(std::memory_order_acquire); // LANES-1
    }

    /// The first one that is awake and for which `is_it` holds; null if there is none.
    template <class Predicate>
    pool_lane* find_awake(Predicate is_it) const {
        pool_lane* found = nullptr;
        for (const lane_group* group = first_group(); group != nullptr && found == nullptr;
             group = group->next) {
            found = group->find(all, is_it);
        }
        return found;
    }

    /// The same, but beginning behind `start`, which comes last.
    template <class Predicate>
    pool_lane* find_awake_behind(const pool_lane& start, Predicate is_it) const {
        const std::uint64_t behind = ~(start.bit | (start.bit - 1));
        pool_lane* found = start.group->find(behind, is_it);
        for (const lane_group* group = start.group; found == nullptr;) {
            group = group->next != nullptr ? group->next : first_group();
            const bool is_last = group == start.group;
            found = group->find(is_last ? ~behind : all, is_it);
            if (is_last) {
                break;
            }
        }
        return found;
    }

    pool_lane* free = nullptr; ///< of those taken back; under the lock

private:
    static constexpr std::uint64_t all = ~std::uint64_t{0};

    lane_group* group_with_room() noexcept;

    lane_group* first_group() const noexcept {
        return groups_.load(std::memory_order_acquire); // LANES-1
    }

    std::atomic<pool_lane*> first_{nullptr};
    std::atomic<lane_group*> groups_{nullptr};
    std::size_t count_ = 0; ///< under the lock
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
