// SPDX-License-Identifier: MIT
// The core of a pool with tiny blocks and threads that lose their turns at the worst points. Built
// twice: the second time with the barrier that is a full fence on both sides.

#include "random_turns.hpp"

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::thread_pool;

#if defined(FAF_TEST_SYMMETRIC_BARRIER)
using faf::detail::asymmetric_barrier;
const bool is_symmetric = [] { // before any pool asks the system
    asymmetric_barrier::choose(asymmetric_barrier::kind::symmetric);
    return asymmetric_barrier::current() == asymmetric_barrier::kind::symmetric;
}();

TEST_CASE("the barrier is symmetric before the first pool and after it") {
    CHECK(is_symmetric);
    { thread_pool({.threads = 1}).drain(patience); }
    CHECK(asymmetric_barrier::current() == asymmetric_barrier::kind::symmetric);
}
#endif

/// Fires once more when its thread has given its lanes back.
struct last_words {
    thread_pool* pool = nullptr;
    account* in = nullptr;
    ~last_words() {
        if (pool != nullptr) {
            dice random(in->ids);
            for (int i = 0; i < 3; ++i) {
                fire_any(*pool, *in, random);
            }
        }
    }
};

TEST_CASE("every task of many threads and kinds runs once, and the counters always add up") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    constexpr int each = load(100'000, 8'000);
    constexpr int short_lives = load(3'000, 300);
    account all;
    std::vector<std::unique_ptr<thread_pool>> pools;
    for (unsigned threads = 1; threads <= 3; ++threads) {
        pools.push_back(std::make_unique<thread_pool>(faf::pool_options{.threads = threads,
                                                                        .max_threads = threads,
                                                                        .starvation_after = 0s,
                                                                        .on_error = all.sink()}));
    }
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            dice random(seed + t);
            for (int i = 0; i < each; ++i) {
                fire_any(*pools[random.roll(3)], all, random);
            }
        });
    }
    threads.emplace_back([&] {
        for (unsigned i = 0; i < short_lives; ++i) {
            std::thread([&, i] {
#if defined(_WIN32) // GCC's thread_locals are gone there when their destructors run
                last_words at_the_end;
#else
                thread_local last_words at_the_end;
#endif
                at_the_end.pool = pools[i % 3].get();
                at_the_end.in = &all;
                dice random(seed + 10 + i);
                for (int n = 0; n < 5; ++n) {
                    fire_any(*pools[random.roll(3)], all, random);
                }
            }).join();
        }
    });
    std::atomic<bool> is_over{false};
    int wrong = 0;
    std::thread watcher([&] {
        std::uint64_t before = 0;
        while (!is_over) {
            const faf::stats now = pools[2]->snapshot();
            wrong += adds_up(now) && now.accepted >= before && now.running <= 3 ? 0 : 1;
            before = now.accepted;
            std::this_thread::yield();
        }
    });
    for (std::thread& one : threads) {
        one.join();
    }
    faf::stats sum;
    for (const auto& pool : pools) {
        CHECK(pool->drain(patience));
        sum += pool->snapshot();
    }
    is_over = true;
    watcher.join();
    CHECK(wrong == 0);
    CHECK(sum.accepted == all.accepted);
    CHECK(sum.refused == all.refused);
    CHECK(sum.failed == all.failed);
    CHECK(sum.succeeded == all.accepted - all.failed);
    CHECK(sum.pending == 0);
    CHECK(sum.running == 0);
    pools.clear(); // a closure goes after its counters are read
    all.check_all_ran();
}

TEST_CASE("a pool that is shut down at any moment has every task accounted for") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (int round = 0; round < load(400, 150); ++round) {
        CAPTURE(round);
        account all;
        const unsigned size = 1 + random.roll(3);
        thread_pool pool({.threads = size, .max_threads = size, .on_error = all.sink()});
        constexpr unsigned firing = 3;
        constexpr unsigned each = load(3'000U, 1'000U);
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < firing; ++t) {
            threads.emplace_back([&, t] {
                dice own(seed + firing * static_cast<unsigned>(round) + t);
                for (unsigned i = 0; i < each; ++i) {
                    fire_any(pool, all, own);
                }
            });
        }
        const std::uint32_t moment = random.roll(firing * each);
        while (all.accepted + all.refused < moment) {
            std::this_thread::yield();
        }
        constexpr std::chrono::microseconds timeouts[] = {0us, 100us, 2ms, patience};
        const bool finished = pool.shutdown(timeouts[random.roll(4)]);
        const faf::stats closed = pool.snapshot();
        for (std::thread& one : threads) {
            one.join();
        }
        REQUIRE(eventually([&] { return all.ended == all.begun; })); // those written off
        const faf::stats after = pool.snapshot();
        const std::uint64_t abandoned = all.reported_as(failure::abandoned);
        CHECK(closed.accepted == after.accepted);
        CHECK(after.accepted == all.accepted);
        CHECK(after.refused == all.refused);
        CHECK(all.reported_as(failure::refused) == all.refused);
        CHECK(after.dropped == abandoned);
        CHECK(adds_up(after));
        CHECK(after.pending == 0);
        CHECK(after.running == 0);
        CHECK(finished == (abandoned == 0));
        CHECK(all.begun + abandoned >= all.accepted);
        CHECK(all.begun + abandoned <= all.accepted + size); // written off, and ran
        if (finished) {
            CHECK(all.begun_ids == all.accepted_ids);
            CHECK(after.threads == 0);
        }
        CHECK(eventually([&] { return all.destroyed == all.constructed; }));
    }
}

/// Fires a task while it is copied itself, and does not get on with that until it may.
struct halting_copy {
    halting_copy(thread_pool& at, account& counted, std::latch& reached, std::latch& free) noexcept
        : pool(&at), in(&counted), is_halfway(&reached), may_end(&free) {}
    halting_copy(const halting_copy& other) noexcept
        : pool(other.pool), in(other.in), is_halfway(other.is_halfway), may_end(other.may_end) {
        small_task held_back(*pool, *in, habit::none);
        const std::uint64_t id = held_back.id();
        in->count(faf::fire_and_forget(*pool, std::move(held_back)), id);
        is_halfway->count_down();
        may_end->wait();
    }
    halting_copy(halting_copy&&) noexcept = default;
    halting_copy& operator=(halting_copy) = delete;
    ~halting_copy() = default;
    void operator()() const {}

    thread_pool* pool;
    account* in;
    std::latch* is_halfway;
    std::latch* may_end;
};

TEST_CASE("a task held back by the one that is being stored before it counts when a pool closes") {
    for (const auto timeout : {0ms, 20ms}) {
        account all;
        thread_pool pool({.threads = 1, .on_error = all.sink()});
        std::latch is_halfway(1);
        std::latch may_end(1);
        faf::submission outer;
        std::thread other([&] {
            small_task first(pool, all, habit::none); // now the thread has a lane at hand
            const std::uint64_t id = first.id();
            all.count(faf::fire_and_forget(pool, std::move(first)), id);
            CHECK(pool.drain(patience));
            const halting_copy one(pool, all, is_halfway, may_end);
            outer = faf::fire_and_forget(pool, one);
        });
        is_halfway.wait();
        CHECK(all.accepted == 2);
        CHECK_FALSE(pool.shutdown(timeout)); // it was accepted and has not run
        CHECK(adds_up(pool.snapshot()));
        may_end.count_down();
        other.join();
        const faf::stats after = pool.snapshot();
        CHECK(outer.why() == faf::refusal::shutting_down);
        CHECK(after.accepted == 2);
        CHECK(after.dropped == 1);
        CHECK(after.refused == 1);
        CHECK(adds_up(after));
        CHECK(all.begun == 1);
        CHECK(all.reported_as(failure::abandoned) == 1);
        CHECK(all.reported_as(failure::refused) == 1);
        CHECK_FALSE(pool.shutdown(timeout));
    }
}

/// Fires a task while it is copied itself, and waits for that task. The copy might throw.
struct patient_copy {
    patient_copy(thread_pool& at, std::atomic<int>& count, std::atomic<int>& early) noexcept
        : pool(&at), runs(&count), in_time(&early) {}
    patient_copy(const patient_copy& other)
        : pool(other.pool), runs(other.runs), in_time(other.in_time) {
        std::atomic<bool> has_run{false};
        faf::fire_and_forget(*pool, [&has_run] { has_run = true; });
        *in_time += eventually([&] { return has_run.load(); }) ? 1 : 0;
    }
    patient_copy(patient_copy&&) noexcept = default;
    patient_copy& operator=(patient_copy) = delete;
    ~patient_copy() = default;
    void operator()() const { ++*runs; }

    thread_pool* pool;
    std::atomic<int>* runs;
    std::atomic<int>* in_time;
};

TEST_CASE("a copy that might throw may wait for a task that it fires itself") {
    thread_pool pool({.threads = 1});
    std::atomic<int> runs{0};
    std::atomic<int> in_time{0};
    for (int i = 0; i < 10; ++i) {
        const patient_copy one(pool, runs, in_time);
        faf::fire_and_forget(pool, one);
    }
    CHECK(pool.drain(patience));
    CHECK(in_time == 10);
    CHECK(runs == 10);
}

TEST_CASE("pools come and go under threads that stay") {
    constexpr int rounds = load(1'500, 300);
    constexpr int firing = 3;
    account all;
    std::unique_ptr<thread_pool> pool;
    std::barrier meeting(firing);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < firing; ++t) {
        threads.emplace_back([&, t] {
            dice random(t + 1);
            for (int round = 0; round < rounds; ++round) {
                if (t == 0) {
                    pool = std::make_unique<thread_pool>(
                        faf::pool_options{.threads = 1 + random.roll(2),
                                          .starvation_after = 0s,
                                          .exit_timeout = patience,
                                          .on_error = all.sink()});
                }
                meeting.arrive_and_wait();
                for (std::uint32_t i = random.roll(12); i > 0; --i) {
                    fire_any(*pool, all, random);
                }
                meeting.arrive_and_wait();
                if (t == 0) {
                    pool.reset();
                }
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    all.check_all_ran();
}

TEST_CASE("a task that begins as its pool gives up does not hold up the shutdown") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    std::atomic<bool> may_end{false};
    std::atomic<int> running{0};
    for (int round = 0; round < load(3'000, 500); ++round) {
        CAPTURE(round);
        account all;
        may_end = false;
        thread_pool pool({.threads = 1, .on_error = all.sink()});
        faf::fire_and_forget(pool, [] {}); // the worker is awake, and looks
        while (pool.snapshot().succeeded == 0) {
            std::this_thread::yield();
        }
        faf::fire_and_forget(pool, [&] {
            ++running;
            may_end.wait(false);
            --running;
        });
        for (std::uint32_t i = random.roll(64); i > 0; --i) {
            faf::detail::cpu_relax();
        }
        CHECK_FALSE(pool.shutdown(0s)); // else it is here for ever
        CHECK(all.reported_as(failure::abandoned) == 1);
        may_end = true;
        may_end.notify_all();
        REQUIRE(eventually([&] { return running == 0 && pool.snapshot().threads == 0; }));
    }
}

TEST_CASE("a task that ends while it is written off is counted by one side") {
    using namespace faf::detail;
    constexpr std::uint64_t rounds = load(100'000U, 50'000U);
    lane_set& lanes = *new lane_set;
    pool_lane& lane = *lanes.lend(faf::priority::normal);
    claim its;
    task_taker taker(its);
    std::mutex of_pool;
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> written_off{0};
    std::thread closing([&] {
        const faf::error_sink nobody = [](const faf::error_report&) {};
        const host on{&nobody, {}};
        sink_time for_sinks(steady_time::max());
        abandoned_tasks abandoned(on, for_sinks);
        while (!is_over) {
            const std::lock_guard lock(of_pool);
            written_off += write_off(its, abandoned).tasks;
        }
    });
    static constexpr task_vtable nothing{};
    std::uint64_t ended = 0;
    std::uint64_t round = 0;
    for (; round < rounds || (written_off == 0 && round < 1000 * rounds); ++round) {
        if (!lane.has_room()) {
            throw std::bad_alloc();
        }
        lane.publish(lane.reserve(), nothing);
        static_cast<void>(lane.take(taker));
        for (std::uint64_t pause = round % 8; pause > 0; --pause) {
            cpu_relax();
        }
        taker.finish_slot();
        if (taker.end()) {
            ++ended;
        } else {
            const std::lock_guard lock(of_pool); // as end_written_off()
        }
    }
    is_over = true;
    closing.join();
    taker.flush();
    lanes.release();
    CHECK(written_off > 0);
    CHECK(ended + written_off == round);
}

TEST_CASE("tasks that fire tasks without end are all taken back or run when the pool closes") {
    for (int round = 0; round < load(200, 100); ++round) {
        CAPTURE(round);
        account all;
        thread_pool pool({.threads = 2, .max_threads = 2, .on_error = all.sink()});
        constexpr std::uint8_t deep = 200; // it never comes to the end of that
        for (int i = 0; i < 3; ++i) {
            small_task task(pool, all, habit::fires_two, deep);
            const std::uint64_t id = task.id();
            all.count(faf::fire_and_forget(pool, std::move(task)), id);
        }
        while (all.begun < 200) {
            std::this_thread::yield();
        }
        const bool finished = pool.shutdown(round % 2 == 0 ? 0us : 500us);
        REQUIRE(eventually([&] { return all.ended == all.begun; }));
        const faf::stats after = pool.snapshot();
        CHECK(after.accepted == all.accepted);
        CHECK(after.refused == all.refused);
        CHECK(after.dropped == all.reported_as(failure::abandoned));
        CHECK(finished == (after.dropped == 0));
        CHECK(adds_up(after));
        CHECK(eventually([&] { return all.destroyed == all.constructed; }));
    }
}

} // namespace
