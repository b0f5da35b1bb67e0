// SPDX-License-Identifier: MIT
#pragma once

// The life of an own_thread, from its start to the record that it runs last.

#include "own_threads.hpp"

#include "../executor/thread_start.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../task/resumption.hpp"
#include "../task/run_task.hpp"

#include <exception>
#include <memory>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Tries three times: the system may refuse a thread for a moment only. The thread begins with
/// `first`, if there is one.
FIRE_AND_FORGET_ENGINE bool own_threads::try_start(record* first, std::exception_ptr& why) {
    constexpr thread_body body = [](void* owner, void* record_of_it) {
        static_cast<own_threads*>(static_cast<shutdown_participant*>(owner))
            ->live(static_cast<record*>(record_of_it));
    };
    void* const owner = static_cast<shutdown_participant*>(this);
    const std::size_t stack = stack_size.load(std::memory_order_relaxed);
    bool is_started = start_thread(body, owner, first, why, stack);
    for (int tries = 1; tries < 3 && !is_started; ++tries) {
        std::this_thread::yield();
        is_started = start_thread(body, owner, first, why, stack);
    }
    if (is_started) {
        line_.note_started();
    }
    return is_started;
}

/// Settles the record even where the task ends the thread by force: then it has failed.
FIRE_AND_FORGET_ENGINE void own_threads::live(record* first) {
    std::unique_ptr<record> self;
    fate result = fate::failed;
    const scope_guard at_the_end([&] {
        end_if_forked();
        library_threads::instance().leave(); // JOIN-1
        end_thread(self.get(), result);
    });
    for (record* next = begin(first); next != nullptr; next = next_of(self.get(), result)) {
        self.reset(next);
        result = fate::failed;
        result = run(*self);
    }
}

/// What a thread begins with: what it was started for, or what waits longest.
FIRE_AND_FORGET_ENGINE own_threads::record* own_threads::begin(record* first) noexcept {
    if (first == nullptr) {
        return next_of(nullptr, fate::failed);
    }
    const library_lock lock(parts_.quiet.mutex());
    first->thread = std::this_thread::get_id();
    return first;
}

FIRE_AND_FORGET_ENGINE fate own_threads::run(record& self) {
    const running_entry_item item(parts_.quiet.mutex(), self, &parts_.lent);
    name_own_thread(or_empty(self.name));
    if (self.coroutine != nullptr) {
        resumption coroutine{self.coroutine};
        return run_task(coroutine.task(), parts_.lent);
    }
    return run_task(std::move(self.task), parts_.lent,
                    [this](task_ptr& again, std::uint64_t skipped) {
                        static_cast<void>(parts_.delayed.repeat(again, skipped));
                    });
}

/// Goes on with what waits for a thread, if there is any: settles what has run, if any has.
FIRE_AND_FORGET_ENGINE own_threads::record* own_threads::next_of(record* done,
                                                                 fate result) noexcept {
    const library_lock lock(parts_.quiet.mutex());
    record* const next = line_.pop(most());
    if (next == nullptr) {
        return nullptr;
    }
    if (done != nullptr) {
        settle(*done, result);
    } else {
        line_.note_arrival();
    }
    resumptions_ += next->coroutine != nullptr ? 1 : 0;
    next->thread = std::this_thread::get_id();
    running_.link(*next); // OWN-1
    return next;
}

/// The end of a thread. What has come to wait for one meanwhile gets another.
FIRE_AND_FORGET_ENGINE void own_threads::end_thread(record* last, fate result) {
    bool has_more = false;
    {
        const library_lock lock(parts_.quiet.mutex());
        if (last != nullptr) {
            settle(*last, result);
        } else {
            line_.note_arrival();
            parts_.quiet.notify();
        }
        line_.remove_thread();
        has_more = line_.may_send(most()); // OWN-2
    }
    if (has_more) {
        send_threads();
    }
}

/// Settles a record. Under the mutex.
FIRE_AND_FORGET_ENGINE void own_threads::settle(record& self, fate result) noexcept {
    if (unlink(self)) {
        ended_.add(result);
    }
}

/// False if it has been written off. Under the mutex.
FIRE_AND_FORGET_ENGINE bool own_threads::unlink(record& gone) noexcept {
    const bool is_ours = running_.unlink(gone);
    if (!is_ours) {
        parts_.end.note_written_off_end();
    }
    parts_.quiet.notify();
    return is_ours;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
