// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "waiting_thread.hpp"

#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void waiting_thread::execute(job work) {
    const library_lock lock(mutex_);
    jobs_.push_back(std::move(work));
    changed_.notify_one();
}

FIRE_AND_FORGET_ENGINE void waiting_thread::note_over() {
    const library_lock lock(mutex_);
    is_over_ = true;
    changed_.notify_one();
}

FIRE_AND_FORGET_ENGINE void waiting_thread::run_until_over() {
    const cancellation_deferred whole; // or others would find nobody here
    decltype(jobs_) due;
    for (std::unique_lock lock(mutex_);;) {
        changed_.wait(lock, [this] { return is_over_ || !jobs_.empty(); });
        if (jobs_.empty()) {
            return;
        }
        due.swap(jobs_);
        lock.unlock();
        for (job& one : due) {
            one();
        }
        due.clear();
        lock.lock();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
