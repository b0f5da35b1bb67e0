// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/progress_watch.hpp>

#include "catch.hpp"

using faf::detail::progress_watch;

TEST_CASE("what waits is not stuck before two looks have seen nothing taken") {
    progress_watch watch;
    CHECK(watch.note(7, true) == 0);
    CHECK(watch.note(7, true) == 1);
    CHECK(watch.note(7, true) == 2);
    CHECK(watch.note(7, true) >= progress_watch::too_long);
}

TEST_CASE("one task that is taken is progress") {
    progress_watch watch;
    for (unsigned i = 0; i < 5; ++i) {
        CHECK(watch.note(7, true) == i);
    }
    CHECK(watch.note(8, true) == 0);
    CHECK(watch.note(8, true) == 1);
}

TEST_CASE("nothing is stuck while nothing waits, and waiting counts from its first look") {
    progress_watch watch;
    for (int i = 0; i < 5; ++i) {
        CHECK(watch.note(7, false) == 0);
    }
    CHECK(watch.note(7, true) == 0);
    CHECK(watch.note(7, true) == 1);
    CHECK(watch.note(7, false) == 0);
    CHECK(watch.note(7, true) == 0);
}

TEST_CASE("how long something has been stuck is not counted for ever") {
    progress_watch watch;
    unsigned longest = 0;
    for (int i = 0; i < 1000; ++i) {
        longest = watch.note(7, true);
    }
    CHECK(longest == progress_watch::far_too_long);
}
