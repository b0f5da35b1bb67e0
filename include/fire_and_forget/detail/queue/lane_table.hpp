// SPDX-License-Identifier: MIT
#pragma once

// What one thread holds in the pools it fires at. thread_lanes.hpp looks there when another pool's
// lane is at hand.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "lanes.hpp"

#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class nest;

/// The lanes that one thread holds in one pool.
struct lanes_of_thread {
    lane_set* of = nullptr;
    pool_lane* lanes[priorities]{};
    lanes_of_thread* next = nullptr;
    bool is_in_use[priorities]{}; ///< a task is being stored there
    nest* nested = nullptr;       ///< a worker's, if its tasks' tasks go first; its own lanes

    bool is_any_in_use() const noexcept;

    void give_back() noexcept;
};

/// Finds them by the pool's lanes: a hash table with a chain in each place, which has at least as
/// many places as entries, if there is memory. Owns the entries. One thread's; without locks.
class lane_table {
public:
    lane_table() noexcept = default;
    lane_table(const lane_table&) = delete;
    lane_table& operator=(const lane_table&) = delete;
    ~lane_table();

    lanes_of_thread* find(const lane_set& set) const noexcept;

    void insert(lanes_of_thread& fresh) noexcept;

    /// Gives the lanes back of those for which `is_it` holds.
    template <class Predicate>
    void take_out_if(Predicate is_it) noexcept {
        for (std::size_t i = 0; i < size(); ++i) {
            for (lanes_of_thread** at = &places_[i]; *at != nullptr;) {
                lanes_of_thread* const one = *at;
                if (is_it(*one)) {
                    *at = one->next;
                    --count_;
                    one->give_back();
                    delete one;
                } else {
                    at = &one->next;
                }
            }
        }
    }

    std::size_t count() const noexcept { return count_; }

    /// How many pools were gone when those that are were last let go of (thread_lanes.hpp).
    std::uint32_t gone_by_then = 0;

private:
    static constexpr unsigned few_bits = 3;

    std::size_t size() const noexcept { return std::size_t{1} << bits_; }

    std::size_t place_of(const lane_set& set) const noexcept;

    void link(lanes_of_thread& one) noexcept;

    /// Four times as many places; without memory it stays as it is.
    void grow() noexcept;

    lanes_of_thread* few_[std::size_t{1} << few_bits]{};
    lanes_of_thread** places_ = few_;
    unsigned bits_ = few_bits;
    std::size_t count_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
