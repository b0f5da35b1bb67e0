// SPDX-License-Identifier: MIT
#pragma once

// That tasks belong to a set with an owner who waits for their end, as such a set is seen by what
// runs in it (member_frame.hpp) and by who listens for its end.

#include "../platform/abi.hpp"
#include "../platform/stop_token.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Something that is told once when a set is quiet. It may be gone afterwards, and so may the set.
struct quiet_listener {
    void (*tell)(quiet_listener& self) = nullptr;
    quiet_listener* next = nullptr;
};

/// What came of an offer to listen.
enum class listening : std::uint8_t { begun, needless, impossible };

/// A set of tasks, as what belongs to it sees it, and who waits for it without a thread.
class task_set {
public:
    /// What members get that take a stop_token.
    virtual stop_token token() const noexcept = 0;

    /// Has `one` told when it is quiet, which it may be by now. Impossible in a forked child.
    virtual listening listen(quiet_listener& one) noexcept = 0;

    /// False if `one` has been told, or is being told.
    virtual bool stop_listening(quiet_listener& one) noexcept = 0;

protected:
    ~task_set() = default;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
