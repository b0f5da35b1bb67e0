// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "lane_table.hpp"
#include "lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool lanes_of_thread::is_any_in_use() const noexcept {
    bool is_any = false;
    for (const bool one : is_in_use) {
        is_any = is_any || one;
    }
    return is_any;
}

FIRE_AND_FORGET_ENGINE void lanes_of_thread::give_back() noexcept {
    for (std::size_t level = 0; level < priorities; ++level) {
        if (lanes[level] != nullptr) {
            of->take_back(*lanes[level], static_cast<priority>(level));
        }
    }
    of->release();
}

FIRE_AND_FORGET_ENGINE lane_table::~lane_table() {
    take_out_if([](const lanes_of_thread&) { return true; });
    if (places_ != few_) {
        delete[] places_;
    }
}

FIRE_AND_FORGET_ENGINE lanes_of_thread* lane_table::find(const lane_set& set) const noexcept {
    lanes_of_thread* one = places_[place_of(set)];
    while (one != nullptr && one->of != &set) {
        one = one->next;
    }
    return one;
}

FIRE_AND_FORGET_ENGINE void lane_table::insert(lanes_of_thread& fresh) noexcept {
    if (++count_ > size()) {
        grow();
    }
    link(fresh);
}

FIRE_AND_FORGET_ENGINE std::size_t lane_table::place_of(const lane_set& set) const noexcept {
    constexpr std::uintptr_t golden = 0x9E37'79B9U; // Fibonacci hashing
    return (reinterpret_cast<std::uintptr_t>(&set) / alignof(lane_set) * golden >> (32U - bits_)) %
           size();
}

FIRE_AND_FORGET_ENGINE void lane_table::link(lanes_of_thread& one) noexcept {
    lanes_of_thread*& place = places_[place_of(*one.of)];
    one.next = std::exchange(place, &one);
}

FIRE_AND_FORGET_ENGINE void lane_table::grow() noexcept {
    const unsigned bits = bits_ + 2;
    auto** const more = new (std::nothrow) lanes_of_thread* [std::size_t{1} << bits] {};
    if (more == nullptr) {
        return;
    }
    lanes_of_thread** const before = std::exchange(places_, more);
    const std::size_t size_before = size();
    bits_ = bits;
    for (std::size_t i = 0; i < size_before; ++i) {
        for (lanes_of_thread* one = before[i]; one != nullptr;) {
            link(*std::exchange(one, one->next));
        }
    }
    if (before != few_) {
        delete[] before;
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
