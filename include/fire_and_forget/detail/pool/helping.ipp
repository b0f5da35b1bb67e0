// SPDX-License-Identifier: MIT
#pragma once

#include "helping.hpp"

#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "../task/task.hpp"
#include "pool.hpp"
#include "task_taker.hpp"
#include "worker.hpp"

#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A worker's second record, for the tasks that it runs inside of the one that it has begun.
class helping::guest {
public:
    guest(pool& home, claim& its) noexcept
        : workers_(home.workers_), quiet_(home.parts_.quiet), record_(home.lanes_, its) {
        record_.taker.take_singly();
        record_.taker.on = &home.parts_.lent;
        record_.id.store(std::this_thread::get_id());
        {
            const library_lock lock(quiet_.mutex());
            workers_.roster().add_guest(record_);
        }
        host_ = std::exchange(this_thread.item, &record_.taker);
    }
    ~guest() {
        this_thread.item = host_;
        record_.taker.flush();
        const library_lock lock(quiet_.mutex());
        workers_.roster().let_go(record_);
        quiet_.notify();
    }
    guest(const guest&) = delete;
    guest& operator=(const guest&) = delete;

    worker& record() noexcept { return record_; }

private:
    workforce& workers_;
    quiescence& quiet_;
    worker record_;
    running_item* host_ = nullptr;
};

FIRE_AND_FORGET_ENGINE helped helping::help(reach how_far, function_ref<bool()> is_over) {
    helped what = helped::nothing;
    while (run_newest()) {
        what = helped::by_some;
        if (!home_.is_in_its_process() || is_over()) {
            return what;
        }
    }
    return how_far == reach::all && run_one_of_others() ? helped::by_some : what;
}

/// Of what this thread has fired and nobody has taken yet.
FIRE_AND_FORGET_ENGINE bool helping::run_newest() {
    task_node* newest = nullptr;
    {
        const inside_library taking;
        if (taking.at_hand != &home_.lanes_ || home_.lanes_.is_over()) {
            return false;
        }
        this_thread.lane->take_newest(in_node, [&](const slot& last) {
            task_node* const node = node_in(last);
            newest = node != nullptr && !node->repeats() ? node : nullptr;
            return newest != nullptr;
        });
    }
    if (newest == nullptr) {
        return false;
    }
    if (home_.limit_.exists()) {
        home_.limit_.leave();
    }
    home_.callers_.run_accepted(task_ptr(newest));
    return true;
}

FIRE_AND_FORGET_ENGINE bool helping::run_one_of_others() {
    claim* const its = home_.lanes_.may_have_tasks() ? home_.lanes_.lend_claim() : nullptr;
    if (its == nullptr) {
        return false;
    }
    guest other(home_, *its);
    return home_.loop_.run_one(other.record());
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
