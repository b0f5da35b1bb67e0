// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/platform/scope_guard.hpp>

#include "catch.hpp"

namespace {

using faf::detail::scope_guard;

TEST_CASE("a scope guard calls its function once, when the scope is left") {
    int calls = 0;
    {
        const scope_guard at_the_end([&] { ++calls; });
        CHECK(calls == 0);
    }
    CHECK(calls == 1);
}

TEST_CASE("a scope guard calls its function when an exception leaves the scope") {
    int calls = 0;
    try {
        const scope_guard at_the_end([&] { ++calls; });
        throw 1;
    } catch (int) {
        CHECK(calls == 1);
    }
    CHECK(calls == 1);
}

} // namespace
