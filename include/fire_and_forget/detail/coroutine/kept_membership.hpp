// SPDX-License-Identifier: MIT
#pragma once

// That a coroutine belongs to the sets of the task that has started it until its frames are gone,
// which may be long after that task. chain_details.hpp keeps it.

#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/stop_token.hpp"
#include "../task/cohort.hpp"
#include "../task/member_frame.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The membership of a coroutine, which lasts until its frames are gone. It is one more: that of
/// the task lasts until what is left of its closure is gone, on the thread that has started both.
struct kept_membership : library_memory {
    std::unique_ptr<kept_membership> outer{};
    membership held{};
    stop_token own{};
    std::unique_ptr<linked_stop_source> both{};
    member_frame frame{};

    void keep(const member_frame& of) noexcept;
};

/// Null if there are none. Throws if there is no memory for it; then all is as it was.
std::unique_ptr<kept_membership> keep_memberships(const member_frame* innermost);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
