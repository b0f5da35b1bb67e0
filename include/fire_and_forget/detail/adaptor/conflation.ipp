// SPDX-License-Identifier: MIT
#pragma once

#include "conflation.hpp"

#include "../errors/describe.hpp"
#include "../platform/attempt.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../pool/default_pool.hpp"
#include "../submit/kept_executor.hpp"
#include "../task/host.hpp"
#include "../task/run_task.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// False without memory.
FIRE_AND_FORGET_ENGINE bool try_stay_below(task_node& coroutine, const any_core& core) {
    return attempt([&] { coroutine.own_details().stays_with = keep_executor(core.bottom()); },
                   [] {}); // there is nothing but memory that it could want
}

FIRE_AND_FORGET_ENGINE submission fire_at_key(const any_core& core, const untyped_call& call,
                                              function_ref<refusal(task_ptr&)> accept) {
    const bool has_to_stay = call.how.is_awaited && core.home() == nullptr;
    return fire_at_library(
        call,
        [&](task_ptr& task) {
            if (has_to_stay && !try_stay_below(*task, core)) {
                core.note_refused();
                return refusal::out_of_memory;
            }
            return accept(task);
        },
        [&] { core.note_refused(); }, core.refused_to());
}

FIRE_AND_FORGET_ENGINE refusal prepare_to_conflate(const any_core& core, task_ptr& task) {
    const scheduler* const below = core.home();
    task->begin_waiting(below != nullptr ? below->now() : steady_clock::now());
    if (task->is_delayed || task->repeats()) {
        core.note_refused();
        return refusal::invalid_options;
    }
    core.observe(*task);
    return core.enroll(task);
}

FIRE_AND_FORGET_ENGINE refusal refusal_for_key() {
    const exception_description thrown;
    return thrown.is_out_of_memory() ? refusal::out_of_memory : refusal::copy_threw;
}

FIRE_AND_FORGET_ENGINE conflated::conflated(const any_core& on, const call_site& first,
                                            std::mutex& guard,
                                            std::atomic<std::uint64_t>& replaced) noexcept
    : core_(on.bottom()), books_(on.home_or_default().books), mutex_(guard),
      replaced_in_all_(replaced) {
    where = first;
    is_resumption = true;
    has_begun = true; // what waits for it has been accepted
    static constexpr suspended_type is_turn{
        [](suspended& turn) { return static_cast<conflated&>(turn).run_turn(); },
        [](suspended& turn) {
            if (this_thread.starting_turn != &turn) { // else in the call that hands it over
                static_cast<conflated&>(turn).drop_rest();
            }
            return false; // it has reported what there was
        }};
    does = &is_turn;
}

FIRE_AND_FORGET_ENGINE void conflated::replace(task_ptr& task) noexcept {
    waiting_.swap(task);
    if (task == nullptr) {
        return;
    }
    ++replaced_;
    if (!has_taken_ && !is_open_ && core_.home() != nullptr) { // CONFL-3
        is_open_ = true;
        books_.note_opened();
    }
}

FIRE_AND_FORGET_ENGINE refusal conflated::begin(task_ptr& task) {
    refusal why = start();
    if (why != refusal::none) {
        const open_while_dropping what_has_replaced_it(books_); // CONFL-3
        taken left = take();
        if (left.replaced == 0) {
            task = std::move(left.task);
        } else {
            drop(std::move(left));
            why = refusal::none;
        }
        drop_rest();
    }
    return why;
}

/// Hands the turn to the executor below. Then it may be over.
FIRE_AND_FORGET_ENGINE refusal conflated::start() {
    const void* const outer =
        std::exchange(this_thread.starting_turn, static_cast<suspended*>(this));
    const scope_guard at_the_end([outer] { this_thread.starting_turn = outer; });
    return core_.start_turn(*this);
}

FIRE_AND_FORGET_ENGINE conflated::taken conflated::take() noexcept {
    const library_lock lock(mutex_);
    has_taken_ = true;
    return {std::move(waiting_), std::exchange(replaced_, 0), std::exchange(is_open_, false)};
}

/// False if something waits: then there has to be another turn. // CONFL-2
FIRE_AND_FORGET_ENGINE bool conflated::end_turn() noexcept {
    const library_lock lock(mutex_);
    if (waiting_ != nullptr) {
        where = waiting_->where; // nobody reads it while the turn is here
        return false;
    }
    leave_table();
    return true;
}

/// Has the books know what came in, and what of that was replaced.
FIRE_AND_FORGET_ENGINE void conflated::count(const taken& from) noexcept {
    books_.note_accepted(from.replaced + 1);
    if (from.replaced > 0) {
        books_.note_replaced(from.replaced);
        replaced_in_all_.fetch_add(from.replaced, std::memory_order_relaxed);
    }
    if (from.was_open) {
        books_.note_closed(); // CONFL-3
    }
}

FIRE_AND_FORGET_ENGINE fate conflated::run_turn() {
    const host& on = *static_cast<const host*>(this_thread.running->on);
    scheduler* const in_turn_of = this_thread.running->via; // a serial executor's, in between
    // A coroutine is in the books that count its task, whoever is behind somebody else's executor.
    scheduler* const home = core_.home() == nullptr ? &default_scheduler()
                            : in_turn_of != nullptr ? in_turn_of
                                                    : on.home;
    const bool is_task = is_accepted;
    const std::uint32_t generation = generation_here();
    fate last = fate::failed; // also where a task ends its thread by force
    {
        const scope_guard at_the_end([&] {
            if (generation != generation_here()) {
                return; // it has forked: the turn is the parent's
            }
            if (is_task) {
                books_.note_end(std::exchange(last, fate::succeeded));
            }
            if (end_turn()) {
                delete this;
            } else if (start() != refusal::none) {
                drop_rest();
            }
        });
        taken newest = take();
        count(newest);
        last = home != nullptr ? run_in_turn(*newest.task.release(), on, *home)
                               : run_task(std::move(newest.task), on);
    }
    return last;
}

FIRE_AND_FORGET_ENGINE void conflated::drop(taken from) {
    count(from);
    books_.note_end(fate::dropped);
    drop_task(std::move(from.task), host{core_.sink()}, failure::abandoned,
              "it still waited when its executor closed");
}

/// The executor below takes no turn, or has ended without running it. What waits is dropped.
FIRE_AND_FORGET_ENGINE void conflated::drop_rest() {
    while (!end_turn()) {
        drop(take());
    }
    delete this;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
