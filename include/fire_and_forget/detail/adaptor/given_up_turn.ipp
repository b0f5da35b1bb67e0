// SPDX-License-Identifier: MIT
#pragma once

#include "given_up_turn.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../executor/closing.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "waiting_line.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool is_given_up_turn(const host& on, fate& last) noexcept {
    running_item* const turn = this_thread.item;
    if (turn == nullptr || turn->on != &on) {
        return false;
    }
    if (!turn->pass_on(*turn)) {
        last = fate::open;
        return true;
    }
    return !turn->come_back(*turn);
}

FIRE_AND_FORGET_ENGINE void drop_one(waiting& one, already_reported before, coroutine_books& books,
                                     abandoned_tasks& abandoned) {
    timer_node* const item = one.on_heap();
    if (item != nullptr && item->is_resumption) {
        auto& coroutine = static_cast<suspended&>(*item);
        if (before == already_reported::first) {
            coroutine.is_accepted = true; // for a turn, in which that is the first again
            coroutine.destroy();
        } else {
            abandoned.add_queued(coroutine);
        }
        return;
    }
    books.note_end(fate::dropped);
    if (before == already_reported::first) {
        task_ptr(static_cast<task_node*>(item)).reset();
    } else if (item != nullptr) {
        abandoned.add_queued(task_ptr(static_cast<task_node*>(item)));
    } else {
        abandoned.add_queued(one.task());
    }
}

FIRE_AND_FORGET_ENGINE void drop_turn(turn_queue& line, coroutine_books& books,
                                      const error_sink* sink, already_reported before) {
    const host lent{sink};
    sink_time for_sinks(deadline_after(exit_patience));
    abandoned_tasks abandoned(lent, for_sinks);
    bool is_over = false;
    give_up_all([&] {
        waiting* const one = is_over ? nullptr : line.next(books);
        is_over = one == nullptr; // others may have begun a turn by now
        if (!is_over) {
            drop_one(*one, std::exchange(before, already_reported::none), books, abandoned);
        }
        return !is_over;
    });
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
