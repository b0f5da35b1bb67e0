// SPDX-License-Identifier: MIT
#pragma once

// The keeper mends a lost wake-up within milliseconds. Tests that look for lost ones hold it up.

#include "catch.hpp"
#include "eventually.hpp"
#include "test_ward.hpp"

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/keeper.hpp>

#include <atomic>

namespace faf_test {

/// No pool is looked after while this lives. Pools must be made before it and destroyed after it.
class held_keeper final : private test_ward {
public:
    held_keeper() {
        enlist();
        faf::detail::keeper::instance().notice_activity();
        REQUIRE(eventually([&] { return is_held_.load(); }));
    }
    ~held_keeper() {
        is_free_ = true;
        is_free_.notify_all();
        strike_off();
    }
    held_keeper(const held_keeper&) = delete;
    held_keeper& operator=(const held_keeper&) = delete;

private:
    /// Holds it in the second visit. In the first it may have been about to sleep, and workers
    /// would wait for it to get up.
    visit look_after(faf::detail::steady_time) override {
        if (is_second_) {
            is_held_ = true;
            is_held_.notify_all();
            is_free_.wait(false);
        }
        is_second_ = true;
        visit result;
        result.is_active = !is_free_;
        return result;
    }

    bool is_second_ = false;
    std::atomic<bool> is_held_{false};
    std::atomic<bool> is_free_{false};
};

} // namespace faf_test
