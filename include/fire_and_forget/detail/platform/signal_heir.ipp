// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "library_threads.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "signal_heir.hpp"
#include "signals.hpp"
#include "thread_state.hpp"
#include "time.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(__linux__)

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void signal_heir::watch_this_thread() noexcept {
    if (!std::exchange(this_thread.is_watched, true) && is_main_thread()) {
        const settings_lock held; // so no child is forked in the middle of the initialization
        static const key_of_main key;
        is_watched_ = key.set(*this);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void signal_heir::come_if_needed() noexcept {
    library_threads& threads = library_threads::instance();
    if (has_main_ended_.load() && threads.at_work() > 0 && !is_here_.exchange(true)) { // HEIR-1
        is_here_ = threads.start(&live, this, nullptr) == 0;
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE steady_time signal_heir::look(steady_time now) noexcept {
    if (is_here_ || (is_watched_ && !has_main_ended_)) {
        return never;
    }
    if (next_look_ <= now) {
        next_look_ = later(now, std::chrono::seconds(1));
        if (has_main_ended_ || has_main_thread_ended()) {
            inherit(program_mask::get());
        }
    }
    return next_look_;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE signal_heir::key_of_main::~key_of_main() {
    if (is_made_) {
        pthread_key_delete(key_);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool
signal_heir::key_of_main::set(signal_heir& any) const noexcept {
    return is_made_ && pthread_setspecific(key_, &any) == 0;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void signal_heir::key_of_main::hear_end(void*) noexcept {
    if (is_main_thread()) { // not one that has made another process
        sigset_t blocked;
        pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        instance().inherit(blocked);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
signal_heir::inherit(const sigset_t& blocked_by_main) noexcept {
    if (!has_inherited_.exchange(true)) {
        mask_ = program_mask::get();
        for (int number = 1; number <= most_signals; ++number) {
            if (sigismember(&blocked_by_main, number) == 1) {
                sigaddset(&mask_, number);
            }
        }
        has_main_ended_ = true;
    }
    come_if_needed();
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void signal_heir::live(void* self, void*) {
    name_this_thread("faf/signals");
    signal_heir& heir = *static_cast<signal_heir*>(self);
    library_threads& threads = library_threads::instance();
    pthread_sigmask(SIG_SETMASK, &heir.mask_, nullptr);
    do {
        threads.wait_until_alone();
        heir.is_here_ = false; // HEIR-1
    } while (threads.at_work() > 1 && !heir.is_here_.exchange(true));
}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
