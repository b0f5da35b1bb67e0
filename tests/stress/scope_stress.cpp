// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::fire_and_forget;
using faf::task_scope;
using faf_test::load;
using faf_test::patience;

} // namespace

TEST_CASE("whatever meets a scope's end, each task of it has run or was taken back by then") {
    const faf::testing::error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    for (int round = 0; round < load(300, 60); ++round) {
        std::atomic<std::uint64_t> ran{0};
        std::atomic<std::uint64_t> accepted{0};
        std::atomic<std::uint64_t> taken_back{0};
        const auto run = [&] { ++ran; };
        const auto count = [&](bool is_accepted) { accepted += is_accepted ? 1U : 0U; };
        {
            task_scope scope(pool);
            faf::serial_executor serial(scope);
            std::vector<std::thread> threads;
            for (int t = 0; t < 2; ++t) {
                threads.emplace_back([&, t] {
                    for (int i = 0; i < 20; ++i) {
                        count(static_cast<bool>(fire_and_forget(scope, run)));
                        count(static_cast<bool>(fire_and_forget(serial, run)));
                        count(static_cast<bool>(fire_and_forget(scope, [&] {
                            ++ran;
                            count(static_cast<bool>(fire_and_forget(scope, run)));
                        })));
                        if (i % 8 == t) {
                            taken_back += scope.cancel_pending();
                        }
                    }
                });
            }
            for (std::thread& one : threads) {
                if (round % 3 == 0) {
                    scope.drain(0s);
                }
                one.join();
            }
            if (round % 2 == 0) {
                CHECK(scope.drain(patience));
                CHECK(ran + taken_back == accepted);
            }
        }
        CHECK(ran + taken_back == accepted);
    }
    CHECK(pool.drain(patience));
    CHECK(errors.empty());
}

TEST_CASE("coroutines that await a scope for some time meet its quiet") {
    const faf::testing::error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    faf::thread_pool others({.threads = 1});
    std::atomic<int> over{0};
    const int rounds = load(300, 60);
    for (int round = 0; round < rounds; ++round) {
        task_scope scope(pool);
        task_scope waiting(others);
        const std::chrono::microseconds some(round % 50);
        fire_and_forget(scope, {.after = some}, [] {});
        for (int i = 0; i < 3; ++i) {
            fire_and_forget(waiting, [&, i]() -> faf::task<> {
                for (bool is_quiet = false; !is_quiet;) {
                    try {
                        co_await faf::with_timeout(scope.drained(),
                                                   some + std::chrono::microseconds(i * 7));
                        is_quiet = true;
                    } catch (const faf::timed_out&) { // then again
                    }
                }
                ++over;
            });
        }
        CHECK(waiting.drain(patience));
    }
    CHECK(over == rounds * 3);
    CHECK(errors.empty());
}
