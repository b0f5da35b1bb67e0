// SPDX-License-Identifier: MIT
#pragma once

// When a worker leaves a lane to another that takes from it: a policy, without a clock.

#include "../platform/abi.hpp"
#include "../platform/time.hpp"

#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Workers that take tasks one by one from the same lane, in turn, wait for its lines each time. If
/// the tasks do next to nothing, one worker alone is done sooner: 50 ns for each against 130. So
/// one that has taken no more of such tasks than the others leaves the lane to them for a moment;
/// then it takes one and sees whether that is still so. What is begun in a lane stays in order. If
/// those to whom it was left do not get on, what stands there waits for that moment and no longer.
///
/// One worker's, about one lane; not thread-safe.
class crowding {
public:
    static constexpr std::chrono::nanoseconds next_to_nothing{150};
    static constexpr std::chrono::microseconds moment{10};

    /// It took the first one from another lane, the `taken`-th from there.
    void begin(std::uint64_t taken) noexcept {
        last_ = taken;
        own_ = others_ = 0;
        is_begun_ = false;
    }

    /// It took one, the `taken`-th from there. Whether settle() is to be called.
    bool note(std::uint64_t taken) noexcept {
        others_ += taken - last_ - 1;
        last_ = taken;
        ++own_;
        return own_ >= enough || others_ >= enough;
    }

    /// Whether the lane is to be left to others.
    bool settle(steady_time now) noexcept {
        const std::uint64_t tasks = own_ + others_;
        const bool is_to_leave =
            is_begun_ && others_ >= own_ &&
            (now - since_) / next_to_nothing < static_cast<std::int64_t>(tasks);
        own_ = others_ = 0;
        is_begun_ = true;
        since_ = now;
        return is_to_leave;
    }

private:
    static constexpr std::uint64_t enough = 16;

    std::uint64_t last_ = 0;
    std::uint64_t own_ = 0; ///< taken since then
    std::uint64_t others_ = 0;
    steady_time since_{};
    bool is_begun_ = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
