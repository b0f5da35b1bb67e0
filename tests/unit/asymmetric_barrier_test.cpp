// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/asymmetric_barrier.hpp>

#include "catch.hpp"

using faf::detail::asymmetric_barrier;
using kind = asymmetric_barrier::kind;

// Of one process, so these are all that one program can see; tests/stress has one that begins with
// choose(), tests/faults some in which the system refuses.

TEST_CASE("the kind of barrier is decided once") {
    asymmetric_barrier::prepare();
    if (asymmetric_barrier::current() == kind::undecided) { // where there is one kind only
        asymmetric_barrier::choose(kind::symmetric);
    }
    const kind decided = asymmetric_barrier::current();
    CHECK(decided != kind::undecided);
    asymmetric_barrier::choose(kind::symmetric);
    CHECK(asymmetric_barrier::current() == decided);
    asymmetric_barrier::choose(kind::asymmetric);
    CHECK(asymmetric_barrier::current() == decided);
    asymmetric_barrier::prepare();
    CHECK(asymmetric_barrier::current() == decided);
}

TEST_CASE("both sides of the barrier may be passed at any time and change nothing") {
    for (int i = 0; i < 100; ++i) {
        const kind before = asymmetric_barrier::current();
        asymmetric_barrier::light();
        asymmetric_barrier::heavy();
        faf::detail::full_fence();
        faf::detail::cpu_relax();
        faf::detail::stress_point();
        CHECK(asymmetric_barrier::current() == before);
    }
}
