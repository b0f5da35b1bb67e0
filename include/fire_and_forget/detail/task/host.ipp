// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "../platform/time.hpp"
#include "host.hpp"
#include "scheduler.hpp"
#include "task.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE const host& foreign_host() noexcept {
    return host_of_foreign.get();
}

FIRE_AND_FORGET_ENGINE stored_task task_in(task_node& node) noexcept {
    return {node.type,    node.closure(), node.where,
            node.name,    node.details,   node.is_timed ? node.due : steady_time(),
            node.priority};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
