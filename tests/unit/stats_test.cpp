// SPDX-License-Identifier: MIT
#include <fire_and_forget/stats.hpp>

#include "catch.hpp"

#include <type_traits>

static_assert(std::is_aggregate_v<faf::stats>);
static_assert(faf::stats{} == faf::stats{.accepted = 0});

TEST_CASE("stats of two pools add up field by field") {
    faf::stats sum{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const faf::stats other{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110};
    faf::stats& result = sum += other;
    CHECK(&result == &sum);
    CHECK((sum == faf::stats{11, 22, 33, 44, 55, 66, 77, 88, 99, 110, 121}));
}

TEST_CASE("stats differ if one field does") {
    const faf::stats base{};
    CHECK_FALSE(base == faf::stats{.accepted = 1});
    CHECK_FALSE(base == faf::stats{.succeeded = 1});
    CHECK_FALSE(base == faf::stats{.failed = 1});
    CHECK_FALSE(base == faf::stats{.dropped = 1});
    CHECK_FALSE(base == faf::stats{.refused = 1});
    CHECK_FALSE(base == faf::stats{.cancelled = 1});
    CHECK_FALSE(base == faf::stats{.expired = 1});
    CHECK_FALSE(base == faf::stats{.skipped = 1});
    CHECK_FALSE(base == faf::stats{.pending = 1});
    CHECK_FALSE(base == faf::stats{.running = 1});
    CHECK_FALSE(base == faf::stats{.threads = 1});
}
