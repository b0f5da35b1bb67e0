// SPDX-License-Identifier: MIT
#pragma once

#include "shutdown_participant.hpp"

#include "../platform/thread_state.hpp"
#include "exit_registry.hpp"

#include <cstdlib>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void shutdown_participant::release() noexcept {
    // acq_rel: the last one must see what the others did before they let go.
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1 && is_in_its_process()) {
        if (this_thread.is_keeper) { // its tasks and its sink have destructors of users
            errands::instance().add(last_step_);
        } else {
            last_step_.run();
        }
    }
}

FIRE_AND_FORGET_ENGINE bool shutdown_participant::try_keep() noexcept {
    std::uint32_t users = users_.load(std::memory_order_relaxed);
    while (users > 0 &&
           !users_.compare_exchange_weak(users, users + 1, std::memory_order_relaxed)) {
    }
    return users > 0;
}

FIRE_AND_FORGET_ENGINE void shutdown_participant::end_if_forked() const {
    if (!is_in_its_process()) [[unlikely]] {
        std::exit(EXIT_SUCCESS); // NOLINT(concurrency-mt-unsafe): the only thread
    }
}

FIRE_AND_FORGET_ENGINE void shutdown_participant::last_step::run() {
    exit_registry::instance().strike_off(of);
    delete &of;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
