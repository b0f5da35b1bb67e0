// SPDX-License-Identifier: MIT
// Waits on futexes end for no reason, and a share of the wake-ups is lost, while pools work, drain
// and shut down.

#include "catch.hpp"
#include "eventually.hpp"
#include "futex_faults.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;

/// Rests between the tasks, so that workers fall asleep and are woken; at least `rounds` times, and
/// until `faults` have happened: on a busy machine workers seldom get so far as to sleep.
long fire_in_turns(faf::thread_pool& pool, std::atomic<long>& runs, int rounds,
                   const std::atomic<long>& faults) {
    const auto end = std::chrono::steady_clock::now() + patience;
    long fired = 0;
    for (int round = 0; round < rounds || (faults == 0 && std::chrono::steady_clock::now() < end);
         ++round) {
        for (int i = 0; i < 5; ++i, ++fired) {
            fire_and_forget(pool, [&runs] { ++runs; });
        }
        if (round % 3 == 0) {
            std::this_thread::sleep_for(round < rounds ? 200us : 2ms);
        }
    }
    return fired;
}

TEST_CASE("waits that end for no reason cost no task") {
    futexes.spurious_one_in = 2;
    for (const faf::wake way : {faf::wake::adaptive, faf::wake::by_caller, faf::wake::by_worker}) {
        std::atomic<long> runs{0};
        faf::thread_pool pool({.threads = 3, .wake_up = way});
        const long fired = fire_in_turns(pool, runs, load(1000, 200), futexes.spurious);
        CHECK(pool.drain(patience));
        CHECK(runs == fired);
        CHECK(pool.shutdown(patience));
    }
    futexes.spurious_one_in = 0;
    CHECK(futexes.spurious > 0);
}

TEST_CASE("a system that loses one wake-up in ten costs no task") {
    futexes.lose_one_in = 10;
    std::atomic<long> runs{0};
    {
        faf::thread_pool pool({.threads = 2, .wake_up = faf::wake::by_caller});
        const long fired = fire_in_turns(pool, runs, load(1000, 200), futexes.lost);
        CHECK(pool.drain(patience));
        CHECK(runs == fired);
        futexes.lose_one_in = 0; // the end of workers asks for one that comes
    }
    CHECK(futexes.lost > 0);
}

} // namespace
