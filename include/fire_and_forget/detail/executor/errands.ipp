// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signals.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "errands.hpp"

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void errands::add(errand& fresh) noexcept {
    {
        const library_lock lock(mutex_);
        (last_ != nullptr ? last_->next_ : first_) = &fresh;
        last_ = &fresh;
        is_left_.store(!has_thread_, std::memory_order_relaxed);
    }
    start();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void errands::start() noexcept {
    {
        const library_lock lock(mutex_);
        if (first_ == nullptr || has_thread_ || steady_clock::now() < next_try_) {
            return;
        }
        has_thread_ = true;
        is_left_.store(false, std::memory_order_relaxed);
    }
    if (library_threads::instance().start(&live, this, nullptr) != 0) {
        const library_lock lock(mutex_);
        next_try_ = deadline_after(std::chrono::milliseconds(10));
        note_end();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void errands::run_left() {
    while (is_any_left()) {
        errand* const one = take(taker::anybody);
        if (one == nullptr) {
            return;
        }
        one->run();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void errands::finish(steady_time deadline) {
    run_left();
    const inside_library waiting;
    std::unique_lock lock(mutex_);
    if (id_ == std::this_thread::get_id()) {
        return;
    }
    for (slices wait; has_thread_ && steady_clock::now() < deadline;) {
        wait.next(ended_, lock, deadline);
    }
    const bool has_ended = !has_thread_;
    lock.unlock();
    if (has_ended) {
        library_threads::instance().join_left(this);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE errands::shift::shift(errands& of) noexcept : all(of) {
    const library_lock lock(all.mutex_);
    all.id_ = std::this_thread::get_id();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE errands::shift::~shift() {
    library_threads::instance().leave(); // JOIN-1
    {
        const library_lock lock(all.mutex_);
        all.id_ = {};
        all.note_end();
    }
    all.start(); // for what came at the last moment
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void errands::live(void* self, void*) {
    name_this_thread("faf/report");
    auto& all = *static_cast<errands*>(self);
    const std::uint32_t generation = generation_here();
    const shift until_the_end(all);
    const profiling_ticks_taken meanwhile;
    while (errand* const one = all.take(taker::own_thread)) {
        one->run();
        if (generation != generation_here()) { // a sink has forked, and comes back in the child
            std::exit(EXIT_SUCCESS);           // NOLINT(concurrency-mt-unsafe): the only thread
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE errand* errands::take(taker who) noexcept {
    const library_lock lock(mutex_);
    if (first_ == nullptr || (has_thread_ && who == taker::anybody)) {
        return nullptr;
    }
    errand* const one = std::exchange(first_, first_->next_);
    last_ = first_ != nullptr ? last_ : nullptr;
    is_left_.store(first_ != nullptr && !has_thread_, std::memory_order_relaxed);
    return one;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void errands::note_end() noexcept {
    has_thread_ = false;
    is_left_.store(first_ != nullptr, std::memory_order_relaxed);
    ended_.notify_all();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
