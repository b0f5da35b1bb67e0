// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::fire_and_forget;
using faf::serial_executor;

/// What the tasks of one serial executor change, without a lock.
struct account {
    explicit account(int producers) : last(static_cast<std::size_t>(producers), -1) {}

    void note(int producer, int number) {
        is_alone = is_alone && !std::exchange(is_inside, true);
        int& before = last[static_cast<std::size_t>(producer)];
        is_ordered = is_ordered && before < number;
        before = number;
        ++tasks;
        is_inside = false;
    }

    std::vector<int> last;
    bool is_inside = false;
    bool is_alone = true;
    bool is_ordered = true;
    long tasks = 0;
};

/// Has `producers` threads fire `each` tasks at `many` serial executors on `below`.
template <class Below>
void flood(Below& below, int producers, int each, int many, std::vector<account>& accounts) {
    std::vector<serial_executor> serials;
    for (int i = 0; i < many; ++i) {
        serials.emplace_back(below);
        accounts.emplace_back(producers);
    }
    std::vector<std::jthread> threads;
    for (int p = 0; p < producers; ++p) {
        threads.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                const auto at = static_cast<std::size_t>((i * 7 + p) % many);
                fire_and_forget(serials[at], [&its = accounts[at], p, i] { its.note(p, i); });
            }
        });
    }
    threads.clear(); // and the serial executors go with tasks in them
}

void check(const std::vector<account>& accounts, long tasks) {
    long sum = 0;
    for (const account& one : accounts) {
        CHECK(one.is_alone);
        CHECK(one.is_ordered);
        sum += one.tasks;
    }
    CHECK(sum == tasks);
}

} // namespace

TEST_CASE("many threads fire at many serial executors: each in order, never two at a time") {
    for (const int many : {1, 3, 100}) {
        faf::thread_pool pool({.threads = 4});
        std::vector<account> accounts;
        accounts.reserve(static_cast<std::size_t>(many));
        flood(pool, 4, 10'000, many, accounts);
        REQUIRE(pool.drain(60s));
        check(accounts, 40'000);
        const faf::stats now = pool.snapshot();
        CHECK(now.accepted == 40'000);
        CHECK(now.succeeded == 40'000);
    }
}

TEST_CASE("tasks of serial executors on own threads come in order") {
    std::vector<account> accounts;
    accounts.reserve(3);
    flood(faf::own_thread, 2, 500, 3, accounts);
    REQUIRE(faf::drain(60s));
    check(accounts, 1000);
}

TEST_CASE("coroutines of one serial executor never run at the same time") {
    faf::thread_pool pool({.threads = 4});
    account its(1);
    {
        serial_executor serial(pool);
        for (int i = 0; i < 200; ++i) {
            fire_and_forget(serial, [&its]() -> faf::task<> {
                for (int k = 0; k < 5; ++k) {
                    its.is_alone = its.is_alone && !std::exchange(its.is_inside, true);
                    ++its.tasks;
                    its.is_inside = false;
                    if (k % 2 == 0) {
                        co_await faf::yield();
                    } else {
                        co_await faf::sleep_for(100us);
                    }
                }
            });
        }
    }
    REQUIRE(pool.drain(60s));
    CHECK(its.is_alone);
    CHECK(its.tasks == 1000);
    CHECK(pool.snapshot().accepted == 200);
    CHECK(pool.snapshot().succeeded == 200);
}

TEST_CASE("a pool that closes while threads fire at serial executors loses no task") {
    for (int round = 0; round < 30; ++round) {
        const faf::testing::error_recorder errors;
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> refused{0};
        faf::thread_pool pool({.threads = 2});
        std::vector<serial_executor> serials;
        for (int i = 0; i < 3; ++i) {
            serials.emplace_back(pool);
        }
        std::vector<std::jthread> threads;
        for (std::size_t p = 0; p < 2; ++p) {
            threads.emplace_back([&, p] {
                for (std::size_t i = 0; i < 500; ++i) {
                    ++(fire_and_forget(serials[(i + p) % 3], [] {}) ? accepted : refused);
                }
            });
        }
        pool.shutdown(round % 3 == 0 ? 0ms : 1ms);
        threads.clear();
        CHECK(accepted + refused == 1000);
        CHECK(pool.snapshot().refused == refused);
        // What a turn still had that was written off is dropped when its task comes to an end.
        CHECK(faf_test::eventually([&] {
            const faf::stats now = pool.snapshot();
            return now.succeeded + now.dropped == accepted;
        }));
        const faf::stats now = pool.snapshot();
        CHECK(faf_test::eventually([&] {
            std::uint64_t told = 0;
            for (const auto& one : errors.errors()) {
                told += 1 + one.suppressed;
            }
            return told == now.refused + now.dropped;
        }));
    }
}
