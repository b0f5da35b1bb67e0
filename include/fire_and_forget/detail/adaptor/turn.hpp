// SPDX-License-Identifier: MIT
#pragma once

// One turn of a strand, in which it runs one task after the other: what they came to, and when
// others are to have their turn. strand.hpp runs it.

#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../task/coroutine_books.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What the tasks of one turn came to. The books are shared by all threads, so they are told at its
/// end.
class turn_ends {
public:
    explicit turn_ends(coroutine_books& books) noexcept : books_(books) {}

    void add(fate how) noexcept { ++counts_[static_cast<std::size_t>(how)]; }

    void flush() noexcept {
        for (const fate how : {fate::succeeded, fate::failed, fate::cancelled, fate::expired,
                               fate::dropped}) { // what is open goes on
            if (const std::uint32_t many = std::exchange(counts_[static_cast<std::size_t>(how)], 0);
                many > 0) {
                books_.note_end(how, many);
            }
        }
    }

private:
    coroutine_books& books_;
    std::uint32_t counts_[6]{};
};

/// Whether a turn has run long enough for others to have theirs. The clock is not asked after each
/// task.
class turn_length {
public:
    explicit turn_length(unsigned most) noexcept : most_(most) {}

    bool is_over() noexcept {
        constexpr std::chrono::microseconds longest{200};
        constexpr unsigned per_look = 4;
        if (++tasks_ >= most_) {
            return true;
        }
        if (tasks_ % per_look != 0) {
            return false;
        }
        const steady_time now = steady_clock::now();
        if (tasks_ == per_look) {
            since_ = now;
        }
        return now - since_ > longest;
    }

    void begin_again() noexcept { tasks_ = 0; }

private:
    const unsigned most_;
    unsigned tasks_ = 0;
    steady_time since_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
