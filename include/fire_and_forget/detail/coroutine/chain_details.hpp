// SPDX-License-Identifier: MIT
#pragma once

// What a chain (chain.hpp) has besides, where it is not a plain call's.

#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/member_frame.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "kept_membership.hpp"

#include <memory>
#include <optional>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What only coroutines have that were fired with options or at an executor of somebody else's, or
/// ask for both stop_tokens.
struct chain_details : library_memory {
    std::unique_ptr<kept_membership> members; ///< ends last

    task_details of_task;
    steady_time due; ///< the times of its first stretch, for reports
    steady_time started;
    linked_stop_sources tokens{};
    std::optional<stop_watch> watch{}; ///< while it sleeps
    kept_scheduler back_to{};          ///< while it runs elsewhere, by completion::in_place()
    away_entry away{};
    task_ptr repeated{}; ///< while it waits: what is to be run again when it has ended
    bool ends_waits_on_stop = false;
    const task_frame* awaited_by_thread = nullptr;    ///< what that is inside of: see sync_wait
    const member_frame* awaited_by_members = nullptr; ///< of the chain that it is a branch of
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
