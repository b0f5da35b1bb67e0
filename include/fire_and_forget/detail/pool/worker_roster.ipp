// SPDX-License-Identifier: MIT
#pragma once

#include "../../call_site.hpp"
#include "../errors/bounded_text.hpp"
#include "../errors/describe.hpp"
#include "../errors/stderr_sink.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/cpu_use.hpp"
#include "../platform/platform.hpp"
#include "../platform/time.hpp"
#include "worker.hpp"
#include "worker_roster.hpp"

#include <cstdint>
#include <exception>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE worker_roster::~worker_roster() {
    while (worker* const last = first_) {
        first_ = last->next;
        delete last;
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE worker* worker_roster::enroll(const call_site& where,
                                                                   thread_trouble& trouble) {
    if (!pause_.is_over()) {
        return nullptr;
    }
    claim* const its = lanes_.lend_claim();
    auto* const recruit = its != nullptr ? new (std::nothrow) worker(lanes_, *its) : nullptr;
    if (recruit == nullptr) {
        if (its != nullptr) {
            lanes_.take_back(*its);
        }
        trouble = pause_.begin(where, nullptr);
        return nullptr;
    }
    add(recruit);
    return recruit;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool worker_roster::start(worker& recruit, thread_body body,
                                                               void* executor,
                                                               std::size_t stack_size,
                                                               std::exception_ptr& why) noexcept {
    const bool is_started = start_thread(body, executor, &recruit, why, stack_size);
    if (is_started) {
        pause_.end();
    }
    return is_started;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE thread_trouble
worker_roster::withdraw(worker& recruit, const call_site& where, std::exception_ptr why) noexcept {
    take_out(recruit);
    --hired_;
    delete &recruit;
    return pause_.begin(where, std::move(why));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned
worker_roster::count_able(unsigned enough, steady_time now, between_tasks between) noexcept {
    unsigned able = 0;
    auto unasked = static_cast<unsigned>(alive_);
    for (worker* one = first_; one != nullptr && able < enough && enough <= able + unasked;
         one = one->next) {
        if (!one->is_guest) { // its thread is counted as that of its host
            able += is_able(*one, now, between) ? 1U : 0U;
            --unasked;
        }
    }
    return able;
}

FIRE_AND_FORGET_ENGINE void worker_roster::note_busy(steady_time now) noexcept {
    for (worker* one = first_; one != nullptr; one = one->next) {
        const std::uint64_t ended = one->counts.all();
        if (ended != one->ended_by_then || one->busy_since == steady_time()) {
            one->ended_by_then = ended;
            one->busy_since = now;
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void worker_roster::describe_busy(text_writer& text,
                                                                       steady_time now) const {
    constexpr unsigned most_named = 8;
    unsigned named = 0;
    for (const worker* one = first_; one != nullptr && named < most_named; one = one->next) {
        if (one->taker.its().has_task()) {
            text.append(named++ == 0 ? "" : ", ");
            append_task(text, or_empty(one->taker.name()), one->taker.where());
            text.append(" for ");
            text.append_number((now - one->busy_since) / std::chrono::milliseconds(1));
            text.append(" ms");
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void worker_roster::add(worker* recruit) noexcept {
    recruit->number = ++last_number_;
    ++hired_;
    ++alive_;
    worker** link = &first_;
    unsigned index = 0;
    for (; *link != nullptr && (*link)->info.index == index; link = &(*link)->next) {
        ++index;
    }
    recruit->info.index = index;
    recruit->next = *link;
    *link = recruit;
}

FIRE_AND_FORGET_ENGINE void worker_roster::add_guest(worker& guest) noexcept {
    guest.is_guest = true;
    guest.next = std::exchange(first_, &guest);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void worker_roster::let_go(worker& gone) noexcept {
    departed_ += gone.counts.read();
    take_out(gone);
}

FIRE_AND_FORGET_ENGINE task_counts worker_roster::counts() const noexcept {
    task_counts all = departed_;
    for (const worker* one = first_; one != nullptr; one = one->next) {
        all += one->counts.read();
    }
    return all;
}

FIRE_AND_FORGET_ENGINE worker* worker_roster::of_this_thread() const noexcept {
    worker* one = first_;
    while (one != nullptr && (one->is_guest || one->id.load() != std::this_thread::get_id())) {
        one = one->next;
    }
    return one;
}

FIRE_AND_FORGET_ENGINE bool worker_roster::is_deserted() const noexcept {
    for (const worker* one = first_; one != nullptr; one = one->next) {
        if (!one->is_guest && !one->taker.its().is_given_up()) {
            return false;
        }
    }
    return true;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE write_offs
worker_roster::write_off_running(abandoned_tasks& abandoned) noexcept {
    write_offs lost;
    for (worker* one = first_; one != nullptr; one = one->next) {
        if (one->id.load() != std::this_thread::get_id()) {
            lost += write_off(one->taker.its(), abandoned);
        }
    }
    return lost;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool worker_roster::is_able(worker& one, steady_time now,
                                                                 between_tasks between) noexcept {
    const long number = one.thread_number.load(std::memory_order_relaxed);
    const bool is_asked = between == between_tasks::as_seen || one.taker.is_at_a_task();
    return number == 0 || !is_asked || !is_blocked(one, number, now);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool worker_roster::is_blocked(worker& one, long number,
                                                                    steady_time now) noexcept {
    const std::chrono::nanoseconds used = cpu_time_of(number);
    const bool is_known = used.count() >= 0;
    if (is_known && one.use.is_still_blocked(now, used)) {
        return true;
    }
    thread_activity what = activity_of(number);
    if (is_known && what == thread_activity::unknown) {
        what = one.use.note(now, used);
    } else if (is_known && what == thread_activity::at_lock && one.use.is_locked_out(now, used)) {
        what = thread_activity::blocked;
    } else if (is_known && what == thread_activity::blocked) {
        one.use.note_blocked(now, used);
    }
    return what == thread_activity::blocked;
}

FIRE_AND_FORGET_ENGINE void worker_roster::take_out(const worker& gone) noexcept {
    alive_ -= gone.is_guest ? 0 : 1;
    worker** link = &first_;
    while (*link != &gone) {
        link = &(*link)->next;
    }
    *link = gone.next;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
