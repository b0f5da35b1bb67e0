// SPDX-License-Identifier: MIT
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "each_wait.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"
#include "late_pool.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::conflating_executor;
using faf::failure;
using faf::fire_and_forget;
using faf::job;
using faf::refusal;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

} // namespace

TEST_CASE("of the tasks of one key that wait, a conflating executor runs the newest") {
    const error_recorder errors;
    manual_executor below;
    conflating_executor<std::string> latest(below);
    std::string seen;
    for (const char value : {'1', '2', '3'}) {
        CHECK(fire_and_forget(latest["a"], [&seen, value] { seen += value; }));
    }
    CHECK(fire_and_forget(latest["b"], [&seen] { seen += 'b'; }));
    CHECK(below.run_all() == 2);
    CHECK(seen == "3b");
    CHECK(latest.replaced() == 2);
    CHECK(errors.empty());
    fire_and_forget(latest["a"], [&seen] { seen += '4'; });
    below.run_all();
    CHECK(seen == "3b4");
}

TEST_CASE("while a task of a key runs one of the same key waits") {
    manual_executor below;
    conflating_executor<int> latest(below);
    std::string seen;
    fire_and_forget(latest[1], [&] {
        fire_and_forget(latest[1], [&seen] { seen += 'b'; });
        fire_and_forget(latest[1], [&seen] { seen += 'c'; });
        seen += 'a';
    });
    below.run_all();
    CHECK(seen == "ac");
}

TEST_CASE("what can't be conflated is refused") {
    const error_recorder errors;
    manual_executor below;
    conflating_executor<int> latest(below);
    CHECK(fire_and_forget(latest[1], {.after = 1s}, [] {}).why() == refusal::invalid_options);
    CHECK(fire_and_forget(latest[1], {.every = 1s}, [] {}).why() == refusal::invalid_options);
    CHECK(errors.count() == 2);
}

TEST_CASE("tasks of a conflating executor that is gone run, and a coroutine goes on") {
    manual_executor below;
    int steps = 0;
    {
        conflating_executor<int> latest(below);
        fire_and_forget(latest[1], [&]() -> faf::task<> {
            ++steps;
            co_await faf::sleep_for(1s);
            ++steps;
        });
    }
    below.run_all();
    CHECK(steps == 1);
    below.advance(1s);
    CHECK(steps == 2);
}

TEST_CASE("a coroutine fired by way of a conflating executor never leaves a foreign one") {
    faf_test::job_loop loop;
    const error_recorder errors;
    const auto lambda = [&](job work) { loop.execute(std::move(work)); };
    const faf::executor_ref ref(loop);
    faf::task_scope scope(loop);
    faf::serial_executor serial(loop);
    conflating_executor<int> on_scope(scope);
    const auto inner = on_scope[1];
    for (const faf::executor_ref below :
         {faf::executor_ref(loop), faf::executor_ref(lambda), ref, faf::executor_ref(scope),
          faf::executor_ref(serial), faf::executor_ref(inner)}) {
        const conflating_executor<int> latest(below);
        std::atomic<int> at_home{0};
        std::atomic<bool> is_over{false};
        const auto look = [&] { at_home += loop.runs_this_thread() ? 1 : 0; };
        fire_and_forget(latest[1], [&] { return faf_test::look_after_each_wait(look, is_over); });
        CHECK(faf_test::eventually([&] { return is_over.load(); }));
        CHECK(at_home == 4);
    }
    CHECK(scope.drain(faf_test::patience));
    CHECK(faf::drain(faf_test::patience));
    CHECK(errors.empty());
}

TEST_CASE("a coroutine of a conflating executor goes on in the turn of the serial one below") {
    manual_executor below;
    faf::serial_executor serial(below);
    const conflating_executor<int> latest(serial);
    std::string seen;
    fire_and_forget(latest[1], [&]() -> faf::task<> {
        co_await faf::yield();
        seen += 'b';
    });
    fire_and_forget(serial, [&seen] { seen += 'a'; });
    fire_and_forget(below, [&seen] { seen += '0'; });
    below.run_all();
    CHECK(seen == "0ab");
}

TEST_CASE("a task that waits in a conflating executor is abandoned with the executor below") {
    error_recorder errors;
    std::optional<manual_executor> below(std::in_place);
    conflating_executor<int> latest(*below);
    fire_and_forget(latest[1], [] {});
    fire_and_forget(latest[1], [] {});
    below.reset();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::abandoned);
}

TEST_CASE("what an executor of somebody else's drops is refused by a conflating executor") {
    const error_recorder errors;
    auto drops = [](job) {};
    conflating_executor<int> latest(drops);
    CHECK(fire_and_forget(latest[1], [] {}).why() == refusal::executor_failed);
    CHECK(fire_and_forget(latest[1], [] {}).why() == refusal::executor_failed);
    CHECK(errors.count() == 2);
}

TEST_CASE("runs and replaced tasks add up to those accepted, and the last value is seen") {
    faf::thread_pool pool({.threads = 2});
    constexpr std::size_t keys = 10;
    constexpr int updates = 20'000;
    std::atomic<int> last[2][keys] = {};
    std::atomic<std::uint64_t> runs{0};
    conflating_executor<std::size_t> latest(pool);
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 2; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 1; i <= updates; ++i) {
                    const auto at = static_cast<std::size_t>(i) % keys;
                    fire_and_forget(latest[2 * at + t], [&its = last[t][at], &runs, i] {
                        its = i;
                        ++runs;
                    });
                }
            });
        }
    }
    REQUIRE(pool.drain(60s));
    const faf::stats now = pool.snapshot();
    CHECK(now.accepted == 2 * updates);
    CHECK(now.succeeded == runs);
    CHECK(now.dropped == latest.replaced());
    CHECK(now.succeeded + now.dropped == now.accepted);
    for (std::size_t at = 0; at < keys; ++at) {
        const int expected = updates - static_cast<int>(at == 0 ? 0 : keys - at);
        CHECK(last[0][at] == expected);
        CHECK(last[1][at] == expected);
    }
}

TEST_CASE("a pool that counts replaced tasks while it closes has abandoned none") {
    faf::thread_pool pool({.threads = 1});
    conflating_executor<int> latest(pool);
    int last = 0;
    pool.pause();
    for (int i = 1; i <= 3; ++i) {
        CHECK(fire_and_forget(latest[0], [&last, i] { last = i; }));
    }
    CHECK(pool.shutdown(60s));
    CHECK(last == 3);
    CHECK(latest.replaced() == 2);
    CHECK(pool.snapshot().dropped == 2);
}

TEST_CASE("drain waits for what came into a conflating executor while its turn was handed over") {
    faf::thread_pool pool({.threads = 1});
    faf_test::late_pool below(pool);
    conflating_executor<int> latest(below);
    std::atomic<int> runs{0};
    bool is_drained = true;
    below.before_turn = [&] {
        std::thread([&] {
            CHECK(fire_and_forget(latest[1], [&runs] { ++runs; }));
            is_drained = pool.drain(0s);
        }).join();
    };
    CHECK(fire_and_forget(latest[1], [&runs] { ++runs; }));
    CHECK_FALSE(is_drained);
    CHECK(pool.drain(60s));
    CHECK(runs == 1);
}

TEST_CASE("a task that has replaced a refused one of its key is not taken for that") {
    const error_recorder errors;
    conflating_executor<int>* at = nullptr;
    int calls = 0;
    auto below = [&](job /*dropped*/) { // NOLINT(performance-unnecessary-value-param): its own
        if (calls++ == 0) {
            CHECK(fire_and_forget((*at)[1], [] {})); // the memory of the first may be the third's
            CHECK(fire_and_forget((*at)[1], [] {}));
        }
    };
    conflating_executor<int> latest(below);
    at = &latest;
    CHECK(fire_and_forget(latest[1], [] {}));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == failure::abandoned);
    CHECK(latest.replaced() == 2);
}

namespace {

/// The key's n-th copy, comparison or hash throws, counted from 0; negative: none.
std::atomic<int> until_key_throws{-1};

void throw_in_turn() {
    if (until_key_throws-- == 0) {
        throw std::runtime_error("the key");
    }
}

struct throwing_key {
    explicit throwing_key(int of) noexcept : number(of) {}
    throwing_key(const throwing_key& other) : number(other.number) { throw_in_turn(); }
    throwing_key& operator=(const throwing_key&) = delete;
    bool operator==(const throwing_key& other) const {
        throw_in_turn();
        return number == other.number;
    }

    int number;
};

struct throwing_hash {
    std::size_t operator()(const throwing_key&) const {
        throw_in_turn();
        return 1;
    }
};

} // namespace

TEST_CASE("a key that throws costs its task, and that is said, wherever it throws") {
    int n = 0;
    for (bool has_thrown = true; has_thrown; ++n) {
        CAPTURE(n);
        error_recorder errors;
        manual_executor below;
        std::size_t accepted = 0;
        std::size_t refused = 0;
        std::size_t ran = 0;
        {
            const conflating_executor<throwing_key, throwing_hash> latest(below);
            until_key_throws = n;
            for (int i = 0; i < 4; ++i) {
                std::optional<conflating_executor<throwing_key, throwing_hash>::keyed> at;
                try {
                    at.emplace(latest[throwing_key(i % 2)]);
                } catch (const std::runtime_error&) {
                    continue; // which is the caller's, as operator[] says
                }
                const auto answer = fire_and_forget(*at, [&ran] { ++ran; });
                ++(answer ? accepted : refused);
                CHECK((answer || answer.why() == refusal::copy_threw));
            }
            below.run_all();
            has_thrown = until_key_throws < 0;
            until_key_throws = -1;
            CHECK(fire_and_forget(latest[throwing_key(0)], [&ran] { ++ran; }));
            below.run_all();
            CHECK(ran + latest.replaced() == accepted + 1);
        }
        CHECK(errors.count() == refused);
    }
    CHECK(n > 10);
}

TEST_CASE("a key that is not equal to itself is forgotten like others") {
    manual_executor below;
    const conflating_executor<double> latest(below);
    int runs = 0;
    for (int i = 0; i < 10; ++i) {
        fire_and_forget(latest[std::numeric_limits<double>::quiet_NaN()], [&runs] { ++runs; });
    }
    below.run_all();
    CHECK(runs == 10);
}
