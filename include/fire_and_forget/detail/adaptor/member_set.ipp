// SPDX-License-Identifier: MIT
#pragma once

#include "member_set.hpp"

#include "../executor/abandoned_tasks.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"

#include <chrono>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE member_set::~member_set() {
    if (!is_in_its_process()) {
        return; // what the parent has stays where it is
    }
    for (cohort* one = cohorts_; one != nullptr;) {
        cohort* const gone = std::exchange(one, one->next);
        if (gone != &first_) {
            delete gone;
        }
    }
}

// Who comes in ------------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE refusal member_set::why_not_open() const noexcept {
    if (!is_in_its_process()) {
        return refusal::forked_child;
    }
    return is_stopping_.load(std::memory_order_relaxed) && !is_inside() ? refusal::shutting_down
                                                                        : refusal::none;
}

FIRE_AND_FORGET_ENGINE membership member_set::enter() noexcept {
    for (;;) {
        if (cohort* const now = current_.load(std::memory_order_acquire); now->try_enter()) {
            return membership(*now);
        }
    }
}

FIRE_AND_FORGET_ENGINE membership member_set::enter_sink() noexcept {
    return membership::of_begun(sinks_);
}

FIRE_AND_FORGET_ENGINE stop_token member_set::stop_of_waiting(cohort& its) {
    const library_lock lock(mutex_);
    if (!its.has_timed) {
        its.timed = make_stop_source();
        its.has_timed = true;
        if (its.is_cancelled() || is_stopping_.load(std::memory_order_relaxed)) {
            static_cast<void>(its.timed.request_stop()); // nobody listens yet
        }
    }
    return its.timed.get_token();
}

// The owner's side --------------------------------------------------------------------------------

FIRE_AND_FORGET_ENGINE void member_set::request_stop() {
    cohort* first = nullptr;
    {
        const library_lock lock(mutex_);
        is_stopping_.store(true, std::memory_order_relaxed);
        first = cohorts_;
    }
    static_cast<void>(stop_.request_stop()); // runs callbacks of users
    for (cohort* one = first; one != nullptr; one = one->next) {
        stop_waiting_of(*one);
    }
}

FIRE_AND_FORGET_ENGINE void member_set::stop_waiting_of(const cohort& its) {
    stop_source waiting = no_stop_source();
    {
        const library_lock lock(mutex_);
        waiting = its.timed;
    }
    static_cast<void>(waiting.request_stop());
}

FIRE_AND_FORGET_ENGINE std::uint64_t member_set::cancel_pending() {
    if (!is_in_its_process()) {
        return 0;
    }
    cohort* before = nullptr;
    std::uint32_t many = 0;
    {
        const library_lock lock(mutex_);
        cohort& fresh = next_cohort();
        before = current_.load(std::memory_order_relaxed);
        many = before->cancel();
        current_.store(&fresh, std::memory_order_release); // COHORT-4
        cancelled_ += many;
    }
    stop_waiting_of(*before);
    return many;
}

FIRE_AND_FORGET_ENGINE bool member_set::cancel_for_good() {
    if (!is_in_its_process()) {
        return false;
    }
    cohort& its = *current_.load(std::memory_order_relaxed);
    bool is_any = false;
    {
        const library_lock lock(mutex_);
        cancelled_ += its.cancel();
        is_any = cancelled_ > 0;
    }
    stop_waiting_of(its);
    return is_any;
}

/// One that is empty. Under the mutex.
FIRE_AND_FORGET_ENGINE cohort& member_set::next_cohort() {
    const cohort* const now = current_.load(std::memory_order_relaxed);
    for (cohort* one = cohorts_; one != nullptr; one = one->next) {
        if (one != now && one->try_renew()) {
            one->timed = no_stop_source();
            one->has_timed = false;
            return *one;
        }
    }
    auto* const fresh = new cohort(*this);
    fresh->set_awaited(waiting_ > 0);
    fresh->next = std::exchange(cohorts_, fresh);
    return *fresh;
}

FIRE_AND_FORGET_ENGINE scope_stats member_set::snapshot() const {
    scope_stats all;
    if (!is_in_its_process()) {
        return all;
    }
    const library_lock lock(mutex_);
    for (const cohort* one = cohorts_; one != nullptr; one = one->next) {
        const cohort::counts its = one->count();
        all.pending += its.waiting;
        all.running += its.all - its.waiting;
    }
    all.cancelled = cancelled_;
    return all;
}

// Waiting -----------------------------------------------------------------------------------------

/// Under the mutex. // SCOPE-2
FIRE_AND_FORGET_ENGINE bool member_set::is_quiet() const noexcept {
    const cohort* const now = current_.load(std::memory_order_relaxed);
    for (const cohort* one = cohorts_; one != nullptr; one = one->next) {
        if (one != now && !one->is_empty()) {
            return false;
        }
    }
    return now->is_empty() && sinks_.is_empty();
}

FIRE_AND_FORGET_ENGINE bool member_set::has_gone() const noexcept {
    if (!is_in_its_process()) {
        return false;
    }
    const library_lock lock(mutex_);
    return is_quiet();
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void member_set::begin_wait() noexcept {
    if (++waiting_ == 1) {
        set_awaited(true);
    }
}

/// Under the mutex.
FIRE_AND_FORGET_ENGINE void member_set::end_wait() noexcept {
    if (--waiting_ == 0) {
        set_awaited(false);
    }
}

FIRE_AND_FORGET_ENGINE void member_set::set_awaited(bool is_awaited) noexcept { // COHORT-3
    for (cohort* one = cohorts_; one != nullptr; one = one->next) {
        one->set_awaited(is_awaited);
    }
    sinks_.set_awaited(is_awaited);
}

FIRE_AND_FORGET_ENGINE void member_set::let_last_leave(cohort& its, member_stage at) noexcept {
    quiet_listener* told = nullptr;
    {
        const library_lock lock(mutex_);
        if (its.leave_under_lock(at) && is_quiet()) { // COHORT-2
            changed_.notify_all();
            told = std::exchange(listeners_, nullptr);
            if (told != nullptr) {
                end_wait();
            }
        }
    }
    while (told != nullptr) {
        quiet_listener& one = *std::exchange(told, told->next);
        one.tell(one);
    }
}

FIRE_AND_FORGET_ENGINE listening member_set::listen(quiet_listener& one) noexcept {
    if (!is_in_its_process()) {
        return listening::impossible;
    }
    const library_lock lock(mutex_);
    if (listeners_ == nullptr) {
        begin_wait();
    }
    const bool has_to_wait = !is_quiet();
    if (has_to_wait) {
        one.next = std::exchange(listeners_, &one);
    } else if (listeners_ == nullptr) {
        end_wait();
    }
    return has_to_wait ? listening::begun : listening::needless;
}

FIRE_AND_FORGET_ENGINE bool member_set::stop_listening(quiet_listener& one) noexcept {
    if (!is_in_its_process()) {
        return false;
    }
    const library_lock lock(mutex_);
    quiet_listener** at = &listeners_;
    while (*at != nullptr && *at != &one) {
        at = &(*at)->next;
    }
    if (*at == nullptr) {
        return false;
    }
    *at = one.next;
    if (listeners_ == nullptr) {
        end_wait();
    }
    return true;
}

/// Whoever waits for the set, as long as it lives.
class member_set::waiter {
public:
    explicit waiter(member_set& of) noexcept : of_(of) {
        const library_lock lock(of_.mutex_);
        of_.begin_wait();
    }
    ~waiter() {
        if (of_.is_in_its_process()) { // what it has helped with may have forked
            const library_lock lock(of_.mutex_);
            of_.end_wait();
        }
    }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    bool is_over() const noexcept {
        const library_lock lock(of_.mutex_);
        return of_.is_quiet();
    }

    /// For who has run all tasks that there were, and is to look for others soon.
    void nap(steady_time deadline) {
        wait([&](std::unique_lock<std::mutex>& lock) {
            const steady_time end = later(steady_clock::now(), shortest_nap * (1 << naps_));
            wait_until(of_.changed_, lock, earlier_of(deadline, end));
        });
        naps_ += naps_ < most_naps ? 1 : 0;
    }
    void forget_naps() noexcept { naps_ = 0; }
    bool has_napped() const noexcept { return naps_ > 0; }

    void sleep(steady_time deadline) {
        wait([&](std::unique_lock<std::mutex>& lock) {
            pieces_.next(of_.changed_, lock, deadline);
        });
    }

private:
    static constexpr std::chrono::microseconds shortest_nap{20};
    static constexpr int most_naps = 6; ///< of which each is twice as long as the one before

    template <class Wait>
    void wait(Wait once) {
        const inside_library waiting;
        std::unique_lock lock(of_.mutex_);
        if (!of_.is_quiet()) {
            once(lock);
        }
    }

    member_set& of_;
    slices pieces_;
    int naps_ = 0;
};

/// Whether so many tasks run inside of each other that the stack should not grow by others if that
/// can be helped.
FIRE_AND_FORGET_ENGINE bool is_deep() noexcept {
    constexpr int deep = 32;
    int depth = 0;
    for (const task_frame* one = this_thread.running; one != nullptr; one = one->outer) {
        ++depth;
    }
    return depth > deep;
}

/// Runs tasks meanwhile if its thread is one of those that do: where there are no others, nobody
/// else would.
FIRE_AND_FORGET_ENGINE bool member_set::drain_until(steady_time deadline, scheduler* home) {
    if (is_inside() || !is_in_its_process()) {
        return false;
    }
    waiter self(*this);
    if (home != nullptr && home->waits_for_this_thread()) {
        return self.is_over();
    }
    while (!self.is_over()) {
        const reach how_far = is_deep() && !self.has_napped() ? reach::own : reach::all;
        const helped came_to =
            home != nullptr ? home->help(how_far, [&] { return self.is_over(); }) : helped::nowhere;
        if (!is_in_its_process()) {
            return false;
        }
        const bool is_late = deadline <= steady_clock::now();
        if (came_to == helped::by_some || (!is_late && abandonment::go_on())) {
            self.forget_naps();
            continue;
        }
        if (is_late || (came_to == helped::by_hand && deadline < never)) {
            return self.is_over();
        }
        came_to == helped::nowhere ? self.sleep(deadline) : self.nap(deadline);
    }
    return true;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
