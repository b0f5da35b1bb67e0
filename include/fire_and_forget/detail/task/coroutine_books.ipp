// SPDX-License-Identifier: MIT
#pragma once

#include "../../stats.hpp"
#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "coroutine_books.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void coroutine_books::note_closed(std::uint64_t many) noexcept {
    closed_.fetch_add(many, std::memory_order_release); // BOOKS-1
}

FIRE_AND_FORGET_ENGINE void coroutine_books::note_end(fate how, std::uint64_t many) noexcept {
    ends_[static_cast<std::size_t>(how)].fetch_add(many, std::memory_order_release); // BOOKS-2
}

FIRE_AND_FORGET_ENGINE stats coroutine_books::ends() const noexcept {
    stats all;
    all.succeeded = ended_as(fate::succeeded);
    all.failed = ended_as(fate::failed);
    all.cancelled = ended_as(fate::cancelled);
    all.expired = ended_as(fate::expired);
    all.dropped = all.cancelled + all.expired + ended_as(fate::dropped) +
                  replaced_.load(std::memory_order_acquire);
    return all;
}

FIRE_AND_FORGET_ENGINE void coroutine_books::note_away(away_entry& leaving) noexcept {
    const library_lock lock(mutex_);
    away_.add(leaving);
}

FIRE_AND_FORGET_ENGINE bool coroutine_books::note_back(away_entry& back) noexcept {
    if (!back.is_back) {
        const library_lock lock(mutex_);
        back.is_back = away_.remove(back);
    }
    return back.is_back;
}

FIRE_AND_FORGET_ENGINE void coroutine_books::leave_wait(wait_entry& one,
                                                        away_entry* leaving) noexcept {
    const library_lock lock(mutex_);
    waits_.remove(one);
    if (leaving != nullptr) {
        away_.add(*leaving);
    }
}

template <class Predicate>
FIRE_AND_FORGET_ENGINE wait_entry* coroutine_books::take_waits(Predicate which) noexcept {
    wait_entry* taken = nullptr;
    for (wait_entry* one = waits_.first(); one != nullptr;) {
        wait_entry& wait = *std::exchange(one, one->next);
        if (which(wait) && wait.try_take(wait)) {
            waits_.remove(wait);
            wait.next = std::exchange(taken, &wait);
        }
    }
    return taken;
}

FIRE_AND_FORGET_ENGINE wait_entry* coroutine_books::end_waits() noexcept {
    const library_lock lock(mutex_);
    are_waits_over_ = true;
    return take_waits([](const wait_entry&) { return true; });
}

FIRE_AND_FORGET_ENGINE wait_entry* coroutine_books::stop_waits() noexcept {
    const library_lock lock(mutex_);
    is_stopping_ = true;
    return take_waits([](const wait_entry& one) { return one.stop != nullptr; });
}

FIRE_AND_FORGET_ENGINE open_while_dropping::open_while_dropping(coroutine_books& those) noexcept
    : books_(those) {
    frame_.of_books = &those;
    enter_uncounted(frame_);
    books_.note_opened();
}

FIRE_AND_FORGET_ENGINE open_while_dropping::~open_while_dropping() {
    leave_frame(this_thread.running, frame_.outer);
    books_.note_closed();
}

FIRE_AND_FORGET_ENGINE std::uint64_t coroutine_books::ended_as(fate how) const noexcept {
    return ends_[static_cast<std::size_t>(how)].load(std::memory_order_acquire);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
