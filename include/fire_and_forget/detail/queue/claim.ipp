// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "block.hpp"
#include "claim.hpp"

#include <atomic>
#include <cstdint>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

// The owner's side --------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE void claim::lock() noexcept {
    while (!try_lock()) {
        std::this_thread::yield();
    }
}

FIRE_AND_FORGET_ENGINE void claim::put(const slot_run& taken, counted where) noexcept {
    const std::uint64_t number = own_number() + step; // CLAIM-4
    own_begun_ = taken.first;
    own_block_ = taken.in;
    own_left_ = taken.count - 1;
    own_is_guest_ = where == counted::elsewhere;
    if (own_left_ > 0) { // CLAIM-2
        behind_.store(taken.first + taken.count, std::memory_order_relaxed);
        in_.store(taken.in, std::memory_order_relaxed);
        last_.store(number + step * own_left_, std::memory_order_release);
    }
    state_.store(word(number, own_is_guest_ ? kind::passing : kind::task),
                 std::memory_order_release); // CLAIM-7
}

/// Somebody withdraws, or has withdrawn, what was claimed. The number is used up. // CLAIM-4
FIRE_AND_FORGET_ENGINE bool claim::is_mine(std::uint64_t number) noexcept {
    lock();
    const bool is_begun = number <= last_.load(std::memory_order_relaxed); // CLAIM-3
    unlock();
    if (!is_begun) {
        own_left_ = 0;
        state_.store(word(number, kind::idle), std::memory_order_relaxed);
    }
    return is_begun;
}

FIRE_AND_FORGET_ENGINE bool claim::pass_on() noexcept {
    const std::uint64_t number = own_number();
    state_.store(word(number, kind::passing), std::memory_order_release);
    asymmetric_barrier::light(); // CLAIM-5
    return answer_for(number) != answer::task;
}

FIRE_AND_FORGET_ENGINE bool claim::come_back() noexcept {
    const std::uint64_t number = own_number();
    if (own_is_guest_) {
        return true;
    }
    if (answer_for(number) != answer::none) {
        return false;
    }
    state_.store(word(number, kind::task), std::memory_order_release);
    asymmetric_barrier::light(); // CLAIM-5
    return answer_for(number) != answer::passing;
}

/// What was decided about the owner's task. Waits for whoever has just asked.
FIRE_AND_FORGET_ENGINE claim::answer claim::answer_for(std::uint64_t number) const noexcept {
    std::uint64_t asked = asked_.load(std::memory_order_acquire);
    while (number_in(asked) == number && what_in<answer>(asked) == answer::asking) {
        asked_.wait(asked, std::memory_order_acquire);
        asked = asked_.load(std::memory_order_acquire);
    }
    const bool is_next = number_in(asked) == number + step && (asked & and_before) != 0; // CLAIM-9
    return is_next                      ? answer::task
           : number_in(asked) == number ? what_in<answer>(asked)
                                        : answer::none;
}

// Those who withdraw ------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE std::uint32_t claim::unbegun() const noexcept {
    const std::uint64_t last = last_.load(std::memory_order_acquire);
    const std::uint64_t begun = number_in(state_.load(std::memory_order_relaxed));
    return last > begun ? static_cast<std::uint32_t>((last - begun) / step) : 0;
}

FIRE_AND_FORGET_ENGINE slot_run claim::withdraw() noexcept {
    const std::uint64_t last = last_.load(std::memory_order_relaxed);
    const std::uint64_t seen = number_in(state_.load(std::memory_order_relaxed));
    if (last <= seen) {
        return {};
    }
    last_.store(seen, std::memory_order_relaxed);
    stress_point();
    asymmetric_barrier::heavy(); // CLAIM-3
    const std::uint64_t begun = number_in(state_.load(std::memory_order_acquire));
    if (begun >= last) {
        last_.store(last, std::memory_order_relaxed);
        return {};
    }
    last_.store(begun, std::memory_order_relaxed);
    const auto count = static_cast<std::uint32_t>((last - begun) / step);
    return {behind_.load(std::memory_order_relaxed) - count, in_.load(std::memory_order_relaxed),
            count};
}

// Those who give up -------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE claim::given_up claim::give_up() noexcept {
    constexpr unsigned most_waits = 1000; // for the few steps from a begin to its confirmation
    for (unsigned waits = 0;;) {
        const std::uint64_t state = state_.load(std::memory_order_acquire);
        const std::uint64_t number = number_in(state);
        if (what_in<kind>(state) == kind::idle || was_asked_for(state)) {
            return given_up::nothing;
        }
        if (what_in<kind>(state) == kind::beginning && ++waits < most_waits) {
            std::this_thread::yield();
            continue;
        }
        const std::uint64_t owed = owed_before(number); // CLAIM-9
        asked_.store(word(number, answer::asking) | owed, std::memory_order_relaxed);
        stress_point();
        asymmetric_barrier::heavy(); // CLAIM-5
        const answer decided = decide(number);
        asked_.store(word(number, decided) | owed, std::memory_order_release);
        asked_.notify_all();
        if (decided != answer::none) {
            return decided == answer::task ? given_up::task : given_up::passing;
        }
        if (what_in<kind>(state) == kind::beginning) {
            return given_up::nothing; // its owner, who has been stopped, will find that it has lost
        }
    }
}

/// After a heavy barrier.
FIRE_AND_FORGET_ENGINE claim::answer claim::decide(std::uint64_t number) noexcept {
    std::uint64_t state = state_.load(std::memory_order_acquire); // CLAIM-7
    if (state == word(number, kind::beginning)) {
        lock(); // CLAIM-3: a task that is lost stays at its beginning until then
        state = state_.load(std::memory_order_acquire);
        const bool is_lost = number > last_.load(std::memory_order_relaxed);
        unlock();
        if (state == word(number, kind::beginning)) {
            return is_lost ? answer::none : answer::task;
        }
    }
    return state == word(number, kind::task)      ? answer::task
           : state == word(number, kind::passing) ? answer::passing
                                                  : answer::none;
}

FIRE_AND_FORGET_ENGINE bool claim::was_asked_for(std::uint64_t state) const noexcept {
    const std::uint64_t asked = asked_.load(std::memory_order_relaxed);
    return number_in(asked) == number_in(state) && what_in<answer>(asked) != answer::none;
}

/// What the owner may not have read yet that was decided about the number before.
FIRE_AND_FORGET_ENGINE std::uint64_t claim::owed_before(std::uint64_t number) const noexcept {
    const std::uint64_t asked = asked_.load(std::memory_order_relaxed);
    const bool was_given_up = number_in(asked) + step == number //
                                  ? what_in<answer>(asked) != answer::none
                                  : number_in(asked) == number && (asked & and_before) != 0;
    return was_given_up ? and_before : 0;
}

FIRE_AND_FORGET_ENGINE bool claim::is_given_up() const noexcept {
    const std::uint64_t state = state_.load(std::memory_order_relaxed);
    return what_in<kind>(state) != kind::idle && was_asked_for(state);
}

FIRE_AND_FORGET_ENGINE bool claim::has_task() const noexcept {
    const std::uint64_t state = state_.load(std::memory_order_relaxed);
    const kind what = what_in<kind>(state);
    return (what == kind::task || what == kind::beginning) && !was_asked_for(state);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
