// SPDX-License-Identifier: MIT
// Pools whose workers wake each other, so that no call has to.

#include "catch.hpp"
#include "eventually.hpp"
#include "held_keeper.hpp"
#include "load.hpp"
#include "rally.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::thread_pool;

faf::pool_options by_worker(unsigned threads, account* all = nullptr) {
    faf::pool_options made{.threads = threads,
                           .max_threads = threads,
                           .wake_up = faf::wake::by_worker,
                           .starvation_after = 0s,
                           .exit_timeout = patience};
    if (all != nullptr) {
        made.on_error = all->sink();
    }
    return made;
}

TEST_CASE("every task of many threads and kinds runs once where workers wake each other") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    for (unsigned size = 1; size <= 3; ++size) {
        CAPTURE(size);
        account all;
        {
            thread_pool pool(by_worker(size, &all));
            std::vector<std::thread> threads;
            for (unsigned t = 0; t < 4; ++t) {
                threads.emplace_back([&, t] {
                    dice random(seed + t);
                    for (int i = 0; i < load(30'000, 5'000); ++i) {
                        fire_any(pool, all, random);
                        if (random.roll(64) == 0) {
                            spin_for(std::chrono::nanoseconds(random.roll(150'000)));
                        }
                    }
                });
            }
            for (std::thread& one : threads) {
                one.join();
            }
            CHECK(pool.drain(patience));
            const faf::stats after = pool.snapshot();
            CHECK(adds_up(after));
            CHECK(after.accepted == all.accepted);
            CHECK(after.refused == all.refused);
            CHECK(after.failed == all.failed);
            CHECK(after.pending == 0);
            CHECK(after.running == 0);
        }
        all.check_all_ran();
    }
}

TEST_CASE("a pool whose workers wake each other can be shut down at any moment") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (int round = 0; round < load(200, 100); ++round) {
        CAPTURE(round);
        account all;
        const unsigned size = 1 + random.roll(3);
        thread_pool pool(by_worker(size, &all));
        constexpr unsigned each = load(3'000U, 1'000U);
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 2; ++t) {
            threads.emplace_back([&, t] {
                dice own(seed + 2 * static_cast<unsigned>(round) + t);
                for (unsigned i = 0; i < each; ++i) {
                    fire_any(pool, all, own);
                }
            });
        }
        const std::uint32_t moment = random.roll(2 * each);
        while (all.accepted + all.refused < moment) {
            std::this_thread::yield();
        }
        constexpr std::chrono::microseconds timeouts[] = {0us, 100us, 2ms, patience};
        const bool finished = pool.shutdown(timeouts[random.roll(4)]);
        for (std::thread& one : threads) {
            one.join();
        }
        REQUIRE(eventually([&] { return all.ended == all.begun; })); // those written off
        const faf::stats after = pool.snapshot();
        const std::uint64_t abandoned = all.reported_as(failure::abandoned);
        CHECK(after.accepted == all.accepted);
        CHECK(after.refused == all.refused);
        CHECK(after.dropped == abandoned);
        CHECK(adds_up(after));
        CHECK(finished == (abandoned == 0));
        CHECK(all.begun + abandoned >= all.accepted);
        CHECK(all.begun + abandoned <= all.accepted + size);
        CHECK(eventually([&] { return all.destroyed == all.constructed; }));
    }
}

TEST_CASE("pools whose workers wake each other come and go, used or not") {
    std::atomic<int> runs{0};
    constexpr int pools = load(1'000, 100);
    for (int i = 0; i < pools; ++i) {
        thread_pool pool(by_worker(1 + static_cast<unsigned>(i % 3)));
        if (i % 2 == 0) {
            fire_and_forget(pool, [&] { ++runs; });
        }
    }
    CHECK(runs == pools / 2);
}

TEST_CASE("a worker that naps finds what is fired at an idle pool, with nobody's help") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (unsigned threads = 1; threads <= 3; ++threads) {
        CAPTURE(threads);
        thread_pool pool(by_worker(threads));
        const held_keeper nobody_helps;
        REQUIRE(rally(pool, load(3'000, 300), [&] {
            return std::chrono::nanoseconds(random.roll(4) == 0 ? random.roll(300'000) : 0);
        }));
    }
}

TEST_CASE("a submit does not ring where workers wake each other, not even when nobody looks") {
    for (const auto who : {faf::wake::by_worker, faf::wake::by_caller}) {
        const bool rings = who == faf::wake::by_caller;
        bool was_needed = false;
        REQUIRE(eventually([&] {
            thread_pool pool({.threads = 2, .max_threads = 2, .wake_up = who});
            if (!rally(pool, 3, [] { return 200us; })) { // its workers are there
                return false;
            }
            faf::detail::doorbell& bell = faf::detail::core_access::of(pool).lanes().bell;
            bell.stop_looking(); // as who has found a task, and is about to ring for another worker
            const bool is_needed = bell.is_needed();
            was_needed = was_needed || is_needed;
            // Else there was no need, before or in between: somebody came, or all are awake.
            return bell.try_ring() && is_needed == rings;
        }));
        CHECK(was_needed == rings);
    }
}

TEST_CASE("a worker that leaves with a long task has another one look for the next") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (const unsigned threads : {2U, 3U}) {
        CAPTURE(threads);
        thread_pool pool(by_worker(threads));
        const held_keeper nobody_helps;
        for (int round = 0; round < load(1'500, 150); ++round) {
            CAPTURE(round);
            std::atomic<bool> is_over{false};
            std::atomic<unsigned> ended{0};
            for (unsigned i = 1; i < threads; ++i) {
                fire_and_forget(pool, [&] {
                    is_over.wait(false);
                    ++ended;
                });
                spin_for(std::chrono::nanoseconds(random.roll(100'000)));
            }
            fire_and_forget(pool, [&] {
                is_over = true;
                is_over.notify_all();
                ++ended;
            });
            REQUIRE(very_soon([&] { return ended == threads; }));
        }
    }
}

} // namespace
