// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/thread_state.hpp>

#include "catch.hpp"

#include <cstdint>
#include <type_traits>

using namespace faf::detail;

// It is read in thread_local destructors.
static_assert(std::is_trivially_destructible_v<thread_state>);

TEST_CASE("a hand-over notes that its own task was dropped, not another one") {
    CHECK_FALSE(hand_over::note_dropped(0)); // a task that was never handed over
    const hand_over frame;
    CHECK_FALSE(hand_over::note_dropped(0));
    CHECK_FALSE(hand_over::note_dropped(frame.number() + 1));
    CHECK_FALSE(frame.is_dropped());
    CHECK(hand_over::note_dropped(frame.number()));
    CHECK(frame.is_dropped());
}

TEST_CASE("a hand-over inside of another one finds tasks of both") {
    const hand_over outer;
    std::uint32_t inner_number = 0;
    {
        const hand_over inner;
        inner_number = inner.number();
        CHECK(hand_over::note_dropped(outer.number()));
        CHECK_FALSE(inner.is_dropped());
    }
    CHECK(outer.is_dropped());
    CHECK_FALSE(hand_over::note_dropped(inner_number));
}

TEST_CASE("no number is given to two hand-overs") {
    std::uint32_t first = 0;
    {
        const hand_over frame;
        first = frame.number();
    }
    const hand_over second; // in the same place
    CHECK(first != 0);
    CHECK(second.number() != first);
}

TEST_CASE("a sink's scope marks the thread for as long as it lives") {
    CHECK_FALSE(this_thread.in_sink);
    {
        const sink_scope scope;
        CHECK(this_thread.in_sink);
    }
    CHECK_FALSE(this_thread.in_sink);
}
