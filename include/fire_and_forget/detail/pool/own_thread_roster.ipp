// SPDX-License-Identifier: MIT
#pragma once

#include "own_thread_roster.hpp"

#include "../platform/reentry.hpp"

#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE refusal own_thread_roster::enter(record& fresh, std::size_t most) noexcept {
    const library_lock lock(quiet_.mutex());
    if (!end_.is_open_here()) {
        return refusal::shutting_down;
    }
    if (!line_.add_thread(most)) {
        return refusal::no_thread;
    }
    ++accepted_;
    ++admissions_;
    running_.link(fresh); // OWN-1
    return refusal::none;
}

FIRE_AND_FORGET_ENGINE bool own_thread_roster::take_back(record& fresh) noexcept {
    const library_lock lock(quiet_.mutex());
    line_.remove_thread();
    const bool is_ours = unlink(fresh);
    accepted_ -= is_ours ? 1 : 0;
    return is_ours;
}

FIRE_AND_FORGET_ENGINE void own_thread_roster::line_up(record& last) noexcept {
    const library_lock lock(quiet_.mutex());
    line_.push(last);
}

FIRE_AND_FORGET_ENGINE std::optional<call_site>
own_thread_roster::send_thread(std::size_t most) noexcept {
    const library_lock lock(quiet_.mutex());
    const record* const first = line_.send_thread(most);
    return first != nullptr ? std::optional(first->where) : std::nullopt;
}

FIRE_AND_FORGET_ENGINE thread_trouble
own_thread_roster::note_no_thread(const call_site& where, std::exception_ptr why) noexcept {
    const library_lock lock(quiet_.mutex());
    thread_trouble trouble = line_.note_no_thread(where, std::move(why));
    quiet_.notify();
    return trouble;
}

FIRE_AND_FORGET_ENGINE steady_time own_thread_roster::next_try(std::size_t most) const noexcept {
    const library_lock lock(quiet_.mutex());
    return line_.has_too_few(most) ? line_.next_try() : never;
}

FIRE_AND_FORGET_ENGINE own_thread_roster::record* own_thread_roster::give_up_waiting() noexcept {
    const library_lock lock(quiet_.mutex());
    record* const all = line_.take_all();
    for (const record* one = all; one != nullptr; one = one->behind) {
        ended_.abandoned += one->coroutine == nullptr ? 1 : 0;
    }
    return all;
}

FIRE_AND_FORGET_ENGINE own_thread_roster::record*
own_thread_roster::begin(record* first, std::size_t most) noexcept {
    const library_lock lock(quiet_.mutex());
    if (first != nullptr) {
        first->thread = std::this_thread::get_id();
        return first;
    }
    record* const waiting = pop(most);
    if (waiting != nullptr) {
        line_.note_arrival();
    }
    return waiting;
}

FIRE_AND_FORGET_ENGINE own_thread_roster::record*
own_thread_roster::next(record& done, fate result, std::size_t most) noexcept {
    const library_lock lock(quiet_.mutex());
    record* const waiting = pop(most);
    if (waiting != nullptr) {
        settle(done, result);
    }
    return waiting;
}

FIRE_AND_FORGET_ENGINE bool own_thread_roster::end_thread(record* last, fate result,
                                                          std::size_t most) noexcept {
    const library_lock lock(quiet_.mutex());
    if (last != nullptr) {
        settle(*last, result);
    } else {
        line_.note_arrival();
        quiet_.notify();
    }
    line_.remove_thread();
    return line_.may_send(most);
}

FIRE_AND_FORGET_ENGINE std::size_t
own_thread_roster::write_off_running(abandoned_tasks& abandoned) noexcept {
    const write_offs lost = running_.write_off(abandoned);
    ended_.abandoned += lost.tasks;
    return lost.all();
}

FIRE_AND_FORGET_ENGINE bool own_thread_roster::is_quiet(std::size_t own) const noexcept {
    return line_.is_empty() && !line_.has_coming() && running_.count() <= own;
}

FIRE_AND_FORGET_ENGINE void own_thread_roster::add_to(stats& all) const noexcept {
    ended_.add_to(all);
    all.accepted += accepted_;
    all.threads += line_.threads();
    all.resumptions += resumptions_;
}

/// Has the calling thread run what waits longest. Under the mutex.
FIRE_AND_FORGET_ENGINE own_thread_roster::record*
own_thread_roster::pop(std::size_t most) noexcept {
    record* const first = line_.pop(most);
    if (first != nullptr) {
        resumptions_ += first->coroutine != nullptr ? 1 : 0;
        first->thread = std::this_thread::get_id();
        running_.link(*first); // OWN-1
    }
    return first;
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void own_thread_roster::settle(record& self, fate result) noexcept {
    if (unlink(self)) {
        ended_.add(result);
    }
}

/// False if it has been written off. Under the mutex.
FIRE_AND_FORGET_ENGINE bool own_thread_roster::unlink(record& gone) noexcept {
    const bool is_ours = running_.unlink(gone);
    if (!is_ours) {
        end_.note_written_off_end();
    }
    quiet_.notify();
    return is_ours;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
