// SPDX-License-Identifier: MIT
#pragma once

#include "pool_door.hpp"

#include "pool.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE pool_door& pool_door::of_new_pool(pool_options settings) {
    pool& fresh = *new pool(std::move(settings));
    fresh.begin_napping();
    return fresh.door();
}

// Submits -----------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool pool_door::has_kept_late(lane_set& lanes, pool_lane& lane, slot& stored,
                                                     call_site where, arrival how) {
    lanes.heed(lane); // LANES-4
    announce(lanes, where);
    return !lane.has(pool_lane::pool_is_closed) || !is_recalled(lanes, lane, stored, how);
}

FIRE_AND_FORGET_ENGINE void pool_door::announce(lane_set& lanes, call_site where) {
    asymmetric_barrier::light(); // BELL-1
    if (lanes.bell.is_needed()) [[unlikely]] {
        with_pool_of(lanes, [&](pool& of) { of.workers_.ring(where); });
    }
}

FIRE_AND_FORGET_ENGINE bool pool_door::is_recalled(lane_set& lanes, pool_lane& lane, slot& stored,
                                                   arrival how) {
    const bool is_back = lane.try_recall(stored, how); // RECALL-1
    with_pool_of(lanes, [](pool& of) { of.parts_.quiet.tell(); });
    return is_back;
}

/// Does something with the pool, unless it is gone.
template <class Action>
void pool_door::with_pool_of(lane_set& lanes, Action act) {
    if (pool_door* const door = lanes.keep_pool()) {
        act(door->behind_);
        door->behind_.release();
    }
}

FIRE_AND_FORGET_ENGINE entry pool_door::enter(priority level, refusal& why) {
    return behind_.admission_.enter(level, why);
}

FIRE_AND_FORGET_ENGINE void pool_door::leave() {
    behind_.admission_.leave();
}

FIRE_AND_FORGET_ENGINE refusal pool_door::accept(task_ptr& task) {
    return behind_.accept(task);
}

FIRE_AND_FORGET_ENGINE refusal pool_door::accept(task_ptr& task, entry how) {
    const refusal why = behind_.intake_.accept(task, how);
    if (why != refusal::none) {
        note_refused();
    }
    return why;
}

FIRE_AND_FORGET_ENGINE refusal pool_door::start_turn(suspended& turn) {
    refusal why = is_open_here() ? refusal::none : why_not_open();
    if (why == refusal::none && !behind_.resume_soon(turn)) {
        why = is_open_here() ? refusal::out_of_memory : why_not_open();
    }
    if (why != refusal::none) {
        note_refused();
    }
    return why;
}

FIRE_AND_FORGET_ENGINE bool pool_door::is_open_here() const noexcept {
    return behind_.parts_.end.is_open_here();
}

FIRE_AND_FORGET_ENGINE refusal pool_door::why_not_open() const noexcept {
    return behind_.parts_.end.why_not_open();
}

FIRE_AND_FORGET_ENGINE bool pool_door::needs_nodes() const noexcept {
    return behind_.admission_.may_displace() || behind_.intake_.is_observed();
}

FIRE_AND_FORGET_ENGINE void pool_door::give_up(pool_lane& lane, slot& empty) {
    behind_.intake_.give_up(lane, empty);
}

FIRE_AND_FORGET_ENGINE void pool_door::note_refused() noexcept {
    behind_.note_refused();
}

FIRE_AND_FORGET_ENGINE refusal_sink pool_door::refused_to() const noexcept {
    return {behind_.parts_.sink.sink(), behind_.options_.refusals};
}

// The owner's side --------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE bool pool_door::is_default() const noexcept {
    return behind_.is_default();
}

FIRE_AND_FORGET_ENGINE bool pool_door::is_in_its_process() const noexcept {
    return behind_.is_in_its_process();
}

FIRE_AND_FORGET_ENGINE scheduler& pool_door::home() noexcept {
    return behind_;
}

FIRE_AND_FORGET_ENGINE void pool_door::begin_use() noexcept {
    behind_.parts_.end.begin_use();
}

FIRE_AND_FORGET_ENGINE bool pool_door::runs_this_thread() const noexcept {
    return behind_.parts_.end.runs_this_thread();
}

FIRE_AND_FORGET_ENGINE std::uint64_t pool_door::admissions() const {
    return behind_.admissions();
}

FIRE_AND_FORGET_ENGINE std::chrono::nanoseconds pool_door::exit_timeout() const noexcept {
    return behind_.exit_timeout();
}

FIRE_AND_FORGET_ENGINE stats pool_door::snapshot() const {
    return behind_.snapshot();
}

FIRE_AND_FORGET_ENGINE bool pool_door::drain_until(steady_time deadline) {
    return behind_.parts_.end.drain_until(deadline);
}

FIRE_AND_FORGET_ENGINE void pool_door::pause() {
    behind_.pause();
}

FIRE_AND_FORGET_ENGINE void pool_door::resume() {
    behind_.resume();
}

FIRE_AND_FORGET_ENGINE bool pool_door::is_paused() const noexcept {
    return lanes_.is_paused();
}

FIRE_AND_FORGET_ENGINE void pool_door::begin_closing() {
    behind_.parts_.end.begin();
}

FIRE_AND_FORGET_ENGINE void pool_door::give_up_late(steady_time deadline) {
    behind_.parts_.end.give_up_late(deadline);
}

FIRE_AND_FORGET_ENGINE bool pool_door::shutdown_until(steady_time deadline) {
    return behind_.parts_.end.shutdown_until(deadline);
}

FIRE_AND_FORGET_ENGINE void pool_door::retire() {
    behind_.retire();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
