// SPDX-License-Identifier: MIT
// Trees of tasks in pools that go on with what their tasks fire: every task has its fate, whatever
// the shape of the tree, who takes it and what becomes of the pool.

#include "catch.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <pthread.h>
#include <stdexcept>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;
using namespace std::chrono_literals;

constexpr int trees = 24;

/// Grows trees of random shapes, by plain tasks and by ones with options, some of which fail or end
/// their thread.
struct forest {
    thread_pool& pool;
    const std::uint64_t seed;
    std::atomic<std::int64_t> fired{0};
    std::atomic<std::int64_t> refused{0};
    std::atomic<std::int64_t> ran{0};

    void plant(std::uint64_t number, int height) {
        ++fired;
        const std::uint64_t kind = (number ^ seed) * 0x9E37'79B9'7F4A'7C15U >> 60U;
        const bool is_kept = kind == 0 ? bool(fire_and_forget(pool, {.name = "named"},
                                                              &forest::grow, this, number, height))
                             : kind == 1
                                 ? bool(fire_and_forget(pool, {.priority = faf::priority::high},
                                                        &forest::grow, this, number, height))
                                 : bool(fire_and_forget(pool, &forest::grow, this, number, height));
        refused += is_kept ? 0 : 1;
    }

    void grow(std::uint64_t number, int height) {
        ++ran;
        for (std::uint64_t i = 0; height > 0 && i < 1 + number % 4; ++i) {
            plant(5 * number + i + 1, height - 1);
        }
        if (number % 1'009 == 7) {
            throw std::runtime_error("a rotten one");
        }
    }
};

TEST_CASE("each task of many trees has one fate, whoever takes it") {
    const std::uint64_t seed = new_seed();
    const unsigned threads = GENERATE(1U, 2U, 4U);
    thread_pool pool({.threads = threads,
                      .max_threads = threads == 4 ? 8U : threads,
                      .nested_tasks = faf::nested::newest_first,
                      .on_error = [](const faf::error_report&) {}});
    forest one{pool, seed};
    for (std::uint64_t i = 0; i < trees; ++i) {
        one.plant(i, 6);
    }
    REQUIRE(pool.drain(60s));
    const faf::stats books = pool.snapshot();
    CHECK(one.refused == 0);
    CHECK(one.ran == one.fired);
    CHECK(books.accepted == static_cast<std::uint64_t>(one.fired));
    CHECK(books.succeeded + books.failed == books.accepted);
    CHECK(books.pending == 0);
}

TEST_CASE("the trees of a pool that is shut down meanwhile are cut, and nothing is lost") {
    const std::uint64_t seed = new_seed();
    for (int round = 0; round < 20; ++round) {
        thread_pool pool({.threads = 2,
                          .nested_tasks = faf::nested::newest_first,
                          .on_error = [](const faf::error_report&) {}});
        forest one{pool, seed + static_cast<std::uint64_t>(round)};
        std::thread other([&] {
            for (std::uint64_t i = 0; i < trees; ++i) {
                one.plant(i, 5);
            }
        });
        REQUIRE(pool.shutdown(60s));
        other.join();
        const faf::stats books = pool.snapshot();
        CHECK(books.accepted + books.refused == static_cast<std::uint64_t>(one.fired));
        CHECK(books.succeeded + books.failed + books.dropped == books.accepted);
    }
}

#if !defined(_LIBCPP_VERSION) && !defined(_WIN32) // see doorbell_stress.cpp
TEST_CASE("what a task has fired that ends its thread is run by others") {
    thread_pool pool({.threads = 2,
                      .nested_tasks = faf::nested::newest_first,
                      .on_error = [](const faf::error_report&) {}});
    std::atomic<int> ran = 0;
    for (int i = 0; i < 50; ++i) {
        fire_and_forget(pool, [&] {
            for (int child = 0; child < 10; ++child) {
                fire_and_forget(pool, [&] { fire_and_forget(pool, [&] { ++ran; }); });
            }
            pthread_exit(nullptr);
        });
    }
    REQUIRE(pool.drain(60s));
    CHECK(ran == 500);
}
#endif

} // namespace
