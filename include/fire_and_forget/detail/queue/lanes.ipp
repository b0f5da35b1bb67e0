// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/reentry.hpp"
#include "doorbell.hpp"
#include "lanes.hpp"
#include "pool_lane.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold, gnu::noinline]] FIRE_AND_FORGET_ENGINE void lane_set::release() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

FIRE_AND_FORGET_ENGINE void lane_set::begin(pool_door& pool, keeper_of_pool try_keep,
                                            std::uint32_t vacancies) noexcept {
    pool_ = &pool;
    try_keep_ = try_keep;
    bell.begin(vacancies);
}

FIRE_AND_FORGET_ENGINE pool_door* lane_set::keep_pool() noexcept {
    const library_lock lock(mutex_);
    return pool_ != nullptr && try_keep_(*pool_) ? pool_ : nullptr;
}

FIRE_AND_FORGET_ENGINE void lane_set::retire() noexcept {
    const library_lock lock(mutex_);
    pool_ = nullptr;
    is_retired_.store(true, std::memory_order_relaxed);
    retired.fetch_add(1, std::memory_order_release); // LANES-2
}

FIRE_AND_FORGET_ENGINE std::uint32_t lane_set::retired_so_far() noexcept {
    return retired.load(std::memory_order_acquire); // LANES-2
}

FIRE_AND_FORGET_ENGINE void lane_set::close() noexcept {
    is_closed_.store(true, std::memory_order_relaxed);
    full_fence(); // LANES-5
    find([](pool_lane& lane) {
        lane.put_up(pool_lane::pool_is_closed);
        return false;
    });
}

FIRE_AND_FORGET_ENGINE void lane_set::end() noexcept {
    withheld_.fetch_or(by_end, std::memory_order_relaxed);
    asymmetric_barrier::heavy();
}

FIRE_AND_FORGET_ENGINE void lane_set::pause() noexcept {
    withheld_.fetch_or(by_pause, std::memory_order_relaxed);
}

FIRE_AND_FORGET_ENGINE void lane_set::resume() noexcept {
    constexpr auto others = static_cast<std::uint8_t>(~by_pause);
    withheld_.fetch_and(others, std::memory_order_relaxed);
    asymmetric_barrier::heavy(); // BELL-1: for who calls workers then
}

FIRE_AND_FORGET_ENGINE pool_lane* lane_set::lend(priority level) noexcept {
    const library_lock lock(mutex_);
    lane_list& lanes = lists_[static_cast<std::size_t>(level)];
    if (pool_lane* const used = lanes.free) {
        lanes.free = used->next_free;
        return used;
    }
    return add(lanes, pool_lane::use::by_thread);
}

FIRE_AND_FORGET_ENGINE pool_lane* lane_set::lend_to_timers(priority level) noexcept {
    const library_lock lock(mutex_);
    return add(lists_[static_cast<std::size_t>(level)], pool_lane::use::by_timers);
}

FIRE_AND_FORGET_ENGINE pool_lane* lane_set::lend_nested() noexcept {
    const library_lock lock(mutex_);
    if (pool_lane* const used = free_nested_) {
        free_nested_ = used->next_free;
        return used;
    }
    return add(lists_[static_cast<std::size_t>(priority::normal)], pool_lane::use::nested);
}

FIRE_AND_FORGET_ENGINE void lane_set::take_back_nested(pool_lane& lane) noexcept {
    const library_lock lock(mutex_);
    lane.next_free = free_nested_;
    free_nested_ = &lane;
}

FIRE_AND_FORGET_ENGINE void lane_set::take_back(pool_lane& lane, priority level) noexcept {
    const library_lock lock(mutex_);
    lane_list& lanes = lists_[static_cast<std::size_t>(level)];
    lane.next_free = lanes.free;
    lanes.free = &lane;
}

FIRE_AND_FORGET_ENGINE claim* lane_set::lend_claim() noexcept {
    const library_lock lock(mutex_);
    claim* one = find_claim([](claim& used) { return !used.is_lent_ && !used.has_unbegun(); });
    if (one == nullptr) {
        one = new (std::nothrow) claim;
        if (one == nullptr) {
            return nullptr;
        }
        one->next_ = claims_.load(std::memory_order_relaxed);
        claims_.store(one, std::memory_order_release); // LANES-1
    }
    one->is_lent_ = true;
    return one;
}

FIRE_AND_FORGET_ENGINE void lane_set::take_back(claim& of) noexcept {
    const library_lock lock(mutex_);
    of.is_lent_ = false;
}

FIRE_AND_FORGET_ENGINE void lane_set::let_idle_sleep() noexcept {
    bool is_any = false;
    find_awake([&](pool_lane& lane) {
        const std::uint64_t pushed = lane.pushed();
        const bool was_idle = std::exchange(lane.pushed_by_then, pushed) == pushed;
        if (was_idle && pushed == lane.taken() && lane.how != pool_lane::use::by_timers) {
            stress_point();
            lane.put_up(pool_lane::is_dormant);
            is_any = true;
        }
        return false;
    });
    if (!is_any) {
        return;
    }
    asymmetric_barrier::heavy(); // LANES-4
    const inside_library changing;
    const std::unique_lock lock(mutex_, std::try_to_lock); // the keeper waits for nobody
    if (!lock.owns_lock()) {
        return; // those that still have the notice next time are tried again
    }
    find_awake([](pool_lane& lane) {
        if (lane.has(pool_lane::is_dormant)) {
            lane.seems_used() ? lane.rouse() : lane.let_sleep();
        }
        return false;
    });
}

FIRE_AND_FORGET_ENGINE void lane_set::heed(pool_lane& lane) noexcept {
    if (lane.has(pool_lane::is_dormant)) {
        const library_lock lock(mutex_);
        lane.rouse();
    }
}

FIRE_AND_FORGET_ENGINE bool lane_set::may_have_tasks() const noexcept {
    return !is_withheld() &&
           (find_awake([](pool_lane& lane) { return lane.may_have_tasks(); }) != nullptr ||
            find_claim([](claim& one) { return one.has_unbegun(); }) != nullptr);
}

FIRE_AND_FORGET_ENGINE bool lane_set::may_have_tasks_besides(const claim& own) const noexcept {
    const auto has_more = [&](pool_lane& lane) {
        return &lane == &own.block().home ? lane.may_have_tasks_behind(own.begun(), own.block())
                                          : lane.may_have_tasks();
    };
    return !is_withheld() && (find_awake(has_more) != nullptr || find_claim([](const claim& one) {
                                                                     return one.has_unbegun();
                                                                 }) != nullptr);
}

FIRE_AND_FORGET_ENGINE bool lane_set::has_task_at_hand() const noexcept {
    return !is_withheld() &&
           (find_awake([](pool_lane& lane) { return lane.has_task_at_hand(); }) != nullptr ||
            find_claim([](claim& one) { return one.has_unbegun_at_hand(); }) != nullptr);
}

FIRE_AND_FORGET_ENGINE std::uint64_t lane_set::taken() const noexcept {
    std::uint64_t unbegun = 0;
    find_claim([&](const claim& one) {
        unbegun += one.unbegun();
        return false;
    });
    const std::uint64_t out_of_lanes = sum(&pool_lane::taken, true);
    return out_of_lanes > unbegun ? out_of_lanes - unbegun : 0;
}

FIRE_AND_FORGET_ENGINE lane_set::~lane_set() {
    for (claim* one = claims_.load(std::memory_order_relaxed); one != nullptr;) {
        delete std::exchange(one, one->next_);
    }
}

FIRE_AND_FORGET_ENGINE pool_lane* lane_set::add(lane_list& lanes, pool_lane::use how) noexcept {
    pool_lane* const fresh = lanes.add(how);
    full_fence(); // LANES-5
    if (fresh != nullptr && is_closed()) {
        fresh->put_up(pool_lane::pool_is_closed);
    }
    return fresh;
}

FIRE_AND_FORGET_ENGINE std::uint64_t
lane_set::sum(std::uint64_t (pool_lane::*count)() const noexcept, bool with_timers) const noexcept {
    std::uint64_t all = 0;
    find([&](const pool_lane& lane) {
        all += with_timers || lane.how != pool_lane::use::by_timers ? (lane.*count)() : 0;
        return false;
    });
    return all;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
