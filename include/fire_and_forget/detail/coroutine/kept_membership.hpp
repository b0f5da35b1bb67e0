// SPDX-License-Identifier: MIT
#pragma once

// That a coroutine belongs to the sets of the task that has started it until its frames are gone,
// which may be long after that task. chain_details.hpp keeps it.

#include "../platform/abi.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/stop_token.hpp"
#include "../task/cohort.hpp"
#include "../task/member_frame.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The membership of a coroutine, which lasts until its frames are gone.
struct kept_membership {
    std::unique_ptr<kept_membership> outer{};
    membership held{};
    stop_token own{};
    std::unique_ptr<linked_stop_source> both{};
    member_frame frame{};

    void keep(const member_frame& of, bool repeats) noexcept;
};

/// Null if there are none. Throws if there is no memory for it; then all is as it was. Of a task
/// that repeats only one more is taken: its own lasts for the runs to come.
std::unique_ptr<kept_membership> keep_memberships(const member_frame* innermost, bool repeats);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
