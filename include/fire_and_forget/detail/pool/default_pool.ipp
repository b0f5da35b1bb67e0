// SPDX-License-Identifier: MIT
#pragma once

#include "default_pool.hpp"

#include "../platform/platform.hpp"
#include "pool.hpp"
#include "pool_door.hpp"
#include "pool_extras.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What the default pool is made with, in a process and in its children.
class default_pool_plan {
public:
    static bool set(pool_options settings) {
        error_sink sink = std::exchange(settings.on_error, nullptr);
        thread_hook start = std::exchange(settings.on_thread_start, nullptr);
        thread_hook stop = std::exchange(settings.on_thread_stop, nullptr);
        const settings_lock held;
        default_pool_plan& plan = in_force.get(held);
        if (!plan.is_used_) { // what is replaced goes without the lock
            std::swap(plan.settings_, settings);
            plan.sink_.swap(sink);
            plan.start_.swap(start);
            plan.stop_.swap(stop);
            plan.extras_ = &all_pool_extras();
        }
        return !plan.is_used_;
    }

    /// From now on it stays as it is. What is to be called is lent, not copied, so that a child
    /// that is short of memory has it, too.
    static pool_options use(pool::callbacks& lent) noexcept {
        const settings_lock held;
        default_pool_plan& plan = in_force.get(held);
        plan.is_used_ = true;
        lent.on_error = plan.sink_ ? &plan.sink_ : nullptr;
        lent.on_thread_start = plan.start_ ? &plan.start_ : nullptr;
        lent.on_thread_stop = plan.stop_ ? &plan.stop_ : nullptr;
        lent.extras = plan.extras_;
        return plan.settings_;
    }

private:
    static program_setting<default_pool_plan> in_force;

    bool is_used_ = false;
    pool_options settings_{};
    error_sink sink_{};
    thread_hook start_{};
    thread_hook stop_{};
    const pool_extras* extras_ = nullptr; ///< null: nobody has configured it
};
inline constinit program_setting<default_pool_plan> default_pool_plan::in_force;

struct default_pool_parts {
    pool::callbacks lent{};
    never_destroyed<lane_set> lanes; // not from the heap: making the pool must not fail
    never_destroyed<pool> made{default_pool_plan::use(lent), *lanes, pool::kind::default_one, lent};
};
inline constinit one_per_process<default_pool_parts> default_pool_of_process;

[[gnu::cold, gnu::noinline]] FIRE_AND_FORGET_ENGINE pool_door& make_default_pool() noexcept {
    pool& made = *default_pool_of_process.get().made;
    if (default_pool_at_hand.exchange(&made.door(), std::memory_order_acq_rel) == nullptr) {
        made.begin_napping(); // only now: it may report, and the sink may fire
    }
    return made.door();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool configure_default_pool(pool_options settings) {
    return default_pool_plan::set(std::move(settings));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE pool_door& pool_here(pool_door& meant) noexcept {
    return meant.is_default() && !meant.is_in_its_process() ? default_pool_door() : meant;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE scheduler& default_scheduler() noexcept {
    pool_door& door = default_pool_door();
    door.begin_use();
    return door.home();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
