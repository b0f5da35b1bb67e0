// SPDX-License-Identifier: MIT
#pragma once

// Items for whatever keeps them by their deadlines, and what it must do whatever is done to it.

#include <fire_and_forget/detail/task/timer_node.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <random>

namespace faf_test {

using namespace std::chrono_literals;
using faf::detail::never;
using faf::detail::steady_time;
using faf::detail::timer_node;

constexpr steady_time start{1h};

/// Items that stay where they are while more are made, numbered as they come.
class timer_items {
public:
    timer_node& due_at(steady_time due) {
        timer_node& fresh = all_.emplace_back();
        fresh.due = due;
        fresh.number = static_cast<std::uint32_t>(all_.size());
        return fresh;
    }
    timer_node& watched_due_at(steady_time due) {
        timer_node& fresh = due_at(due);
        fresh.is_watched = true;
        return fresh;
    }

private:
    std::deque<timer_node> all_;
};

inline std::size_t length(const timer_node* list) {
    std::size_t count = 0;
    for (; list != nullptr; list = list->next) {
        ++count;
    }
    return count;
}

/// `Kept` agrees with a sorted list, whatever is done to both.
template <class Kept>
void check_against_sorted(unsigned seed) {
    std::mt19937 random(seed);
    const auto roll = [&](int sides) {
        return std::uniform_int_distribution<int>(0, sides - 1)(random);
    };
    timer_items made;
    Kept kept;
    std::multimap<steady_time, timer_node*> sorted; // equal ones in the order of their insertion
    const auto goes_by_seven = [](int remainder) {
        return [remainder](const timer_node& item) {
            return (item.due - start) / 1ms % 7 == remainder;
        };
    };
    for (int step = 0; step < 20'000; ++step) {
        const steady_time now = start + std::chrono::milliseconds(step / 100);
        const int what = roll(100);
        if (what < 55) { // for any time, or for one of three
            constexpr std::array<int, 3> usual{0, 20, 100};
            const int wait = what < 25 ? roll(200) : usual.at(static_cast<std::size_t>(roll(3)));
            timer_node& fresh = made.due_at(now + std::chrono::milliseconds(wait));
            fresh.is_watched = roll(2) == 0;
            REQUIRE(kept.try_push(fresh));
            sorted.emplace(fresh.due, &fresh);
        } else if (what < 65 && !sorted.empty()) {
            const auto it = std::next(sorted.begin(), roll(static_cast<int>(sorted.size())));
            REQUIRE(it->second->is_in_heap == it->second->is_watched);
            if (it->second->is_watched) {
                kept.remove(*it->second);
                sorted.erase(it);
            }
        } else if (what < 98) {
            const steady_time then = now + std::chrono::milliseconds(roll(200));
            timer_node* const popped = kept.pop_due(then);
            if (sorted.empty() || then < sorted.begin()->first) {
                REQUIRE(popped == nullptr);
            } else {
                REQUIRE(popped == sorted.begin()->second);
                sorted.erase(sorted.begin());
            }
        } else if (what == 98) {
            const auto is_it = goes_by_seven(roll(7));
            const auto latest = std::find_if(sorted.rbegin(), sorted.rend(),
                                             [&](const auto& one) { return is_it(*one.second); });
            const bool is_any = latest != sorted.rend();
            REQUIRE(kept.take_latest_if(is_it) == (is_any ? latest->second : nullptr));
            if (is_any) {
                sorted.erase(std::prev(latest.base()));
            }
        } else {
            const auto is_it = goes_by_seven(roll(7));
            std::size_t expected = 0;
            for (auto it = sorted.begin(); it != sorted.end();) {
                const bool goes = is_it(*it->second);
                expected += goes ? 1 : 0;
                it = goes ? sorted.erase(it) : std::next(it);
            }
            REQUIRE(length(kept.remove_if(is_it)) == expected);
        }
        REQUIRE(kept.size() == sorted.size());
        REQUIRE(kept.next_due() == (sorted.empty() ? never : sorted.begin()->first));
    }
    while (const timer_node* const popped = kept.pop_due(never)) {
        REQUIRE(popped == sorted.begin()->second);
        sorted.erase(sorted.begin());
    }
    CHECK(sorted.empty());
}

} // namespace faf_test
