// SPDX-License-Identifier: MIT
#pragma once

// Tasks of all kinds, and an account that must balance when they are through: for stress tests that
// fire at pools from many threads.

#include "catch.hpp"
#include "eventually.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace faf_test {

/// Random numbers that cost next to nothing.
class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : state_(seed * 0x9E37'79B9'7F4A'7C15U + 1) {}

    /// From 0 to `sides` - 1.
    std::uint32_t roll(std::uint32_t sides) noexcept {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<std::uint32_t>(state_ >> 33U) % sides;
    }

private:
    std::uint64_t state_;
};

/// What became of the tasks of a test, counted by the tasks themselves and by those who fire them.
/// Tasks have numbers that look random: if their sums are equal, so are the tasks.
struct account {
    using counter = std::atomic<std::uint64_t>;

    counter ids{0};
    counter accepted{0};
    counter accepted_ids{0};
    counter refused{0};
    counter begun{0};
    counter begun_ids{0};
    counter ended{0};
    counter failed{0};
    counter constructed{0};
    counter destroyed{0};
    std::array<counter, 10> reported{};

    std::uint64_t new_id() noexcept { return (ids.fetch_add(1) + 1) * 0x9E37'79B9'7F4A'7C15U; }

    void count(faf::submission answer, std::uint64_t id) noexcept {
        if (answer) {
            accepted_ids += id;
            ++accepted;
        } else {
            ++refused;
        }
    }

    faf::error_sink sink() {
        return [this](const faf::error_report& report) {
            reported[static_cast<std::size_t>(report.kind)] += 1 + report.suppressed;
        };
    }
    std::uint64_t reported_as(faf::failure kind) const {
        return reported[static_cast<std::size_t>(kind)];
    }

    /// After all firing and running is over, and if no pool had to give tasks up.
    void check_all_ran() const {
        CHECK(begun == accepted);
        CHECK(begun_ids == accepted_ids);
        CHECK(ended == begun);
        CHECK(destroyed == constructed);
        CHECK(reported_as(faf::failure::refused) == refused);
        CHECK(reported_as(faf::failure::exception) == failed);
        CHECK(reported_as(faf::failure::abandoned) == 0);
        CHECK(reported_as(faf::failure::starvation) == 0);
    }
};

/// What a task of the mix does besides counting.
enum class habit : std::uint8_t {
    none,
    throws,            ///< when it is called
    fires_two,         ///< when it is called
    fires_when_copied, ///< while its own slot is reserved
    throws_when_copied,
};

/// A task of the mix: one that fits a slot or one that does not.
template <std::size_t Padding, bool HasCarefulCopy>
class counted_task {
public:
    counted_task(faf::thread_pool& at, account& in, habit what, std::uint8_t depth = 0) noexcept
        : pool_(&at), account_(&in), id_(in.new_id()), habit_(what), depth_(depth) {
        padding_.fill(static_cast<std::byte>(id_));
        ++account_->constructed;
    }
    counted_task(const counted_task& other) noexcept(!HasCarefulCopy)
        : pool_(other.pool_), account_(other.account_), id_(other.id_), habit_(other.habit_),
          depth_(other.depth_), padding_(other.padding_) {
        if (habit_ == habit::fires_when_copied) {
            habit_ = habit::none;
            fire_another(habit::none);
        }
        if constexpr (HasCarefulCopy) {
            if (habit_ == habit::throws_when_copied) {
                throw std::runtime_error("it can't be copied");
            }
        }
        ++account_->constructed;
    }
    counted_task(counted_task&& other) noexcept
        : pool_(other.pool_), account_(other.account_), id_(other.id_), habit_(other.habit_),
          depth_(other.depth_), padding_(other.padding_) {
        ++account_->constructed;
    }
    counted_task& operator=(counted_task) = delete;
    ~counted_task() { account_->destroyed.fetch_add(1, std::memory_order_release); }

    void operator()() const {
        account& in = *account_;
        ++in.begun;
        in.begun_ids += id_;
        bool is_whole = true;
        for (const std::byte one : padding_) {
            is_whole = is_whole && one == static_cast<std::byte>(id_);
        }
        const bool is_to_fail = habit_ == habit::throws || !is_whole;
        in.failed += habit_ == habit::throws ? 1 : 0; // a damaged one makes a report too many
        if (habit_ == habit::fires_two && depth_ > 0) {
            fire_another(habit::fires_two);
            fire_another(habit::fires_two);
        }
        ++in.ended;
        if (is_to_fail) {
            throw 1;
        }
    }

    std::uint64_t id() const noexcept { return id_; }

private:
    void fire_another(habit what) const {
        const auto depth = static_cast<std::uint8_t>(depth_ > 0 ? depth_ - 1 : 0);
        counted_task<0, false> next(*pool_, *account_, what, depth);
        const std::uint64_t id = next.id();
        account_->count(faf::fire_and_forget(*pool_, std::move(next)), id);
    }

    faf::thread_pool* pool_;
    account* account_;
    std::uint64_t id_;
    habit habit_;
    std::uint8_t depth_;
    std::array<std::byte, Padding> padding_{};
};
static_assert(sizeof(counted_task<0, false>) <= 32); // so that it fits a slot everywhere

using small_task = counted_task<0, false>;
using careful_task = counted_task<0, true>;
using large_task = counted_task<150, true>;

/// Fires one task of any kind.
inline void fire_any(faf::thread_pool& pool, account& in, dice& random) {
    const auto fire = [&](auto task) {
        const std::uint64_t id = task.id();
        in.count(faf::fire_and_forget(pool, std::move(task)), id);
    };
    const auto fire_copy = [&](const auto& task) {
        in.count(faf::fire_and_forget(pool, task), task.id());
    };
    const auto fire_with_options = [&](auto task, faf::priority level) {
        const std::uint64_t id = task.id();
        const faf::options how{.name = "one of many", .priority = level};
        in.count(faf::fire_and_forget(pool, how, std::move(task)), id);
    };
    switch (random.roll(16)) {
    case 0:
        return fire(small_task(pool, in, habit::throws));
    case 1:
        return fire(small_task(pool, in, habit::fires_two, 3));
    case 2:
        return fire_copy(small_task(pool, in, habit::fires_when_copied));
    case 3:
        return fire_copy(careful_task(pool, in, habit::fires_when_copied));
    case 4:
        return fire_copy(careful_task(pool, in, habit::throws_when_copied));
    case 5:
        return fire_copy(large_task(pool, in, habit::throws_when_copied));
    case 6:
        return fire_copy(large_task(pool, in, habit::fires_when_copied));
    case 7:
        return fire(large_task(pool, in, habit::none));
    case 8:
        return fire_with_options(small_task(pool, in, habit::none), faf::priority::high);
    case 9:
        return fire_with_options(large_task(pool, in, habit::throws), faf::priority::low);
    case 10:
        return fire_with_options(small_task(pool, in, habit::none), faf::priority::normal);
    default:
        return fire(small_task(pool, in, habit::none));
    }
}

/// Whether the counters of a pool fit together, as they must at every moment.
inline bool adds_up(const faf::stats& now) noexcept {
    return now.accepted == now.succeeded + now.failed + now.dropped + now.pending + now.running;
}

} // namespace faf_test
