// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/platform/head_start.hpp>

#include "catch.hpp"

#include <chrono>

using faf::detail::head_start;
using namespace std::chrono_literals;

namespace {

/// Asks a system that takes so long, so often.
void ask(head_start& asked, std::chrono::nanoseconds latency, int times) {
    for (int i = 0; i < times; ++i) {
        asked.note(latency);
    }
}

} // namespace

TEST_CASE("nobody is early before it is known how long the system takes") {
    CHECK(head_start().length() == 0ns);
}

TEST_CASE("a head start comes to be as long as the system takes") {
    head_start learning;
    ask(learning, 16us, 10);
    CHECK(learning.length() > 0us);
    CHECK(learning.length() < 16us);
    ask(learning, 16us, 200);
    CHECK(learning.length() > 15us);
    CHECK(learning.length() <= 16us);
}

TEST_CASE("a system that takes long now and then does not make anybody early") {
    head_start learning;
    ask(learning, 10us, 200);
    ask(learning, 100ms, 1);
    CHECK(learning.length() <= head_start::most);
    ask(learning, 10us, 1);
    CHECK(learning.length() == 10us);
}

TEST_CASE("a head start is short whatever the system takes") {
    head_start learning;
    ask(learning, 5ms, 1000);
    CHECK(learning.length() == head_start::most);
}
