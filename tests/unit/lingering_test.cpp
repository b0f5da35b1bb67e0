// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/lingering.hpp>

#include "catch.hpp"

#include <chrono>

namespace {

using namespace faf::detail;
using namespace std::chrono_literals;
using found = lingering::found;

/// A pool as the policy sees it.
struct simulated_stream {
    bool has_hope() const { return policy.is_worth_it(now); }

    void find_after(std::chrono::nanoseconds gap, found how = found::looking) {
        now += gap;
        policy.note(now, how);
    }

    /// How many tasks, each so long after the last, until the next one is waited for.
    int tasks_until_hope(std::chrono::nanoseconds gap, int most = 100) {
        int tasks = 0;
        while (tasks < most && !has_hope()) {
            find_after(gap);
            ++tasks;
        }
        return tasks;
    }

    steady_time now{1h};
    lingering policy;
};

} // namespace

TEST_CASE("nobody waits for the second task") {
    simulated_stream stream;
    CHECK_FALSE(stream.has_hope());
    stream.find_after(0s);
    CHECK_FALSE(stream.has_hope());
}

TEST_CASE("whoever has found a few tasks in quick succession waits for the next, for 10 ms") {
    simulated_stream stream;
    CHECK(stream.tasks_until_hope(200us) == 4); // from the second on they are near each other
    stream.now += 10ms - 1ns;
    CHECK(stream.has_hope());
    stream.now += 1ns;
    CHECK_FALSE(stream.has_hope());
}

TEST_CASE("tasks that are some milliseconds apart are waited for, rarer ones are not") {
    CHECK(simulated_stream().tasks_until_hope(3ms) < 10);
    CHECK(simulated_stream().tasks_until_hope(4ms) == 100);
    CHECK(simulated_stream().tasks_until_hope(1s) == 100);
}

TEST_CASE("one long pause in a stream of tasks does not end the hope for the next") {
    simulated_stream stream;
    stream.tasks_until_hope(200us);
    for (int i = 0; i < 20; ++i) {
        stream.find_after(200us);
    }
    stream.find_after(24h);
    CHECK(stream.has_hope());
    stream.find_after(24h);
    stream.find_after(24h);
    CHECK_FALSE(stream.has_hope());
}

TEST_CASE(
    "a nap takes what is asked for at first, then an eighth of the time since the last find") {
    simulated_stream stream;
    stream.find_after(1ms);
    CHECK(stream.policy.nap(stream.now, 50us) == 50us);
    CHECK(stream.policy.nap(stream.now + 400us, 50us) == 50us);
    CHECK(stream.policy.nap(stream.now + 800us, 50us) == 100us);
    CHECK(stream.policy.nap(stream.now + 8ms, 50us) == 1ms);
    CHECK(stream.policy.nap(stream.now + 8ms, 5ms) == 5ms);
}

TEST_CASE("to look before the first nap pays unless naps have found one task at a time") {
    simulated_stream stream;
    CHECK(stream.policy.does_look_pay());
    stream.find_after(20us, found::looking);
    CHECK(stream.policy.does_look_pay());
    stream.find_after(200us, found::napping_one);
    CHECK_FALSE(stream.policy.does_look_pay());
    stream.find_after(50us, found::napping_more);
    CHECK(stream.policy.does_look_pay());
}
