// SPDX-License-Identifier: MIT
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::channel;
using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::eventually;
using faf_test::patience;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<channel<int>> &&
              !std::is_move_constructible_v<channel<int>>);

/// The size of a container is a capacity as it is: braces take no number that may become another.
template <class Size>
concept takes_as_capacity = requires(Size size) {
    channel<int>{size};
};
static_assert(takes_as_capacity<std::size_t> && takes_as_capacity<unsigned>);

/// Pushes these numbers, and counts those that went in.
faf::task<> push_all(channel<int>& to, int first, int end, int& pushed) {
    for (int i = first; i < end; ++i) {
        if (const bool is_in = co_await to.push(i); is_in) {
            ++pushed;
        }
    }
}

/// Pops until there is nothing more; notes that as -1, and that it was cancelled as -2.
faf::task<> pop_all(channel<int>& from, std::vector<int>& popped) {
    try {
        for (;;) {
            const std::optional<int> item = co_await from.pop();
            popped.push_back(item.value_or(-1));
            if (!item) {
                break;
            }
        }
    } catch (const faf::task_cancelled&) {
        popped.push_back(-2);
        throw;
    }
}

struct copy_only {
    explicit copy_only(int its) noexcept : value(its) {}
    copy_only(const copy_only& other) noexcept : value(other.value) {}
    int value;
};

} // namespace

TEST_CASE("a channel gives items in the order in which they went in, as many as it has room for") {
    channel<int> numbers(3);
    CHECK(numbers.capacity() == 3);
    CHECK_FALSE(numbers.try_pop());
    for (int round = 0; round < 5; ++round) {
        CHECK(numbers.try_push(1));
        CHECK(numbers.try_push(2));
        CHECK(numbers.try_pop() == 1);
        CHECK(numbers.try_push(3));
        CHECK(numbers.try_push(4));
        CHECK_FALSE(numbers.try_push(5));
        CHECK(numbers.try_pop() == 2);
        CHECK(numbers.try_pop() == 3);
        CHECK(numbers.try_pop() == 4);
        CHECK_FALSE(numbers.try_pop());
    }
    channel<int> at_least_one(0);
    CHECK(at_least_one.try_push(1));
    CHECK_FALSE(at_least_one.try_push(2));
    CHECK(at_least_one.try_pop() == 1);
}

TEST_CASE("a channel that is to have more room than there can be throws, and gets no smaller one") {
    constexpr std::uint64_t round = std::uint64_t{1} << 32;
    for (const std::uint64_t capacity : {round - 1, round, round + 3, ~std::uint64_t{0}}) {
        CHECK_THROWS_AS(channel<char>(static_cast<std::size_t>(capacity)), std::length_error);
    }
}

TEST_CASE("who pushes waits for room, and who pops for an item") {
    manual_executor executor;
    channel<int> numbers(2);
    int pushed = 0;
    std::vector<int> popped;
    fire_and_forget(executor, push_all, std::ref(numbers), 0, 5, std::ref(pushed));
    executor.run_all();
    CHECK(pushed == 2);
    CHECK(numbers.try_pop() == 0); // which makes room for who waits
    CHECK_FALSE(numbers.try_push(9));
    executor.run_all();
    CHECK(pushed == 3);
    fire_and_forget(executor, pop_all, std::ref(numbers), std::ref(popped));
    executor.run_all();
    CHECK(pushed == 5);
    CHECK(popped == std::vector{1, 2, 3, 4});
    CHECK(numbers.try_push(5)); // which is for who waits
    CHECK_FALSE(numbers.try_pop());
    executor.run_all();
    CHECK(popped.back() == 5);
    numbers.close();
    executor.run_all();
    CHECK(popped.back() == -1);
    CHECK(executor.pending() == 0);
}

TEST_CASE("those who wait for items are served in the order in which they came") {
    manual_executor executor;
    channel<int> numbers(8);
    std::vector<int> first;
    std::vector<int> second;
    fire_and_forget(executor, pop_all, std::ref(numbers), std::ref(first));
    fire_and_forget(executor, pop_all, std::ref(numbers), std::ref(second));
    executor.run_all();
    CHECK(numbers.try_push(1));
    CHECK(numbers.try_push(2));
    executor.run_all();
    CHECK(first == std::vector{1});
    CHECK(second == std::vector{2});
    numbers.close();
    executor.run_all();
}

TEST_CASE("a channel that is closed takes nothing more, and gives what it has") {
    manual_executor executor;
    channel<int> numbers(2);
    int pushed = 0;
    std::vector<int> popped;
    fire_and_forget(executor, push_all, std::ref(numbers), 0, 4, std::ref(pushed));
    executor.run_all();
    CHECK_FALSE(numbers.is_closed());
    CHECK(numbers.close());
    CHECK_FALSE(numbers.close());
    CHECK(numbers.is_closed());
    executor.run_all();
    CHECK(pushed == 2);
    CHECK(executor.pending() == 0);
    CHECK_FALSE(numbers.try_push(7));
    fire_and_forget(executor, pop_all, std::ref(numbers), std::ref(popped));
    executor.run_all();
    CHECK(popped == std::vector{0, 1, -1});
    CHECK_FALSE(faf::sync_wait(numbers.push(8)));
    CHECK_FALSE(faf::sync_wait(numbers.pop()));
}

TEST_CASE("a channel takes what can only be moved, and what can only be copied") {
    channel<std::unique_ptr<int>> moved(1);
    CHECK(moved.try_push(std::make_unique<int>(1)));
    auto refused = std::make_unique<int>(2);
    CHECK_FALSE(moved.try_push(std::move(refused)));
    REQUIRE(refused != nullptr); // NOLINT(bugprone-use-after-move): that is what the test asks
    CHECK(**moved.try_pop() == 1);
    CHECK(faf::sync_wait(moved.push(std::move(refused))));
    const auto two = faf::sync_wait(moved.pop());
    CHECK(**two == 2);

    channel<copy_only> copied(1);
    const copy_only three(3);
    CHECK(faf::sync_wait(copied.push(three)));
    CHECK(faf::sync_wait(copied.pop())->value == 3);
}

TEST_CASE("what is left in a channel, and what waits to be pushed, is destroyed with it") {
    const auto item = std::make_shared<int>(1);
    {
        error_recorder errors;
        channel<std::shared_ptr<int>> left(2);
        manual_executor executor;
        fire_and_forget(executor, [&]() -> faf::task<> {
            for (;;) {
                co_await left.push(item);
            }
        });
        executor.run_all();
        CHECK(item.use_count() == 4);
    }
    CHECK(item.use_count() == 1);
}

TEST_CASE("threads push and pop by sync_wait, and coroutines stay on their executor meanwhile") {
    channel<int> there(1);
    channel<int> back(1); // which the one who closes it may not have left when that is seen
    std::atomic<bool> has_stayed{true};
    faf_test::job_loop loop;
    const auto on_loop = [&](faf::job work) { loop.execute(std::move(work)); };
    fire_and_forget(on_loop, [&]() -> faf::task<> {
        for (;;) {
            const std::optional<int> item = co_await there.pop();
            has_stayed = has_stayed && loop.runs_this_thread();
            if (!item) {
                break;
            }
            co_await back.push(*item + 1);
            has_stayed = has_stayed && loop.runs_this_thread();
        }
        back.close();
    });
    std::thread other([&] {
        for (int i = 0; i < 100; ++i) {
            faf::sync_wait(there.push(i));
        }
        there.close();
    });
    int sum = 0;
    for (;;) {
        const std::optional<int> item = faf::sync_wait(back.pop());
        if (!item) {
            break;
        }
        sum += *item;
    }
    other.join();
    CHECK(sum == 5050);
    CHECK(has_stayed);
}

#if defined(__cpp_lib_jthread)

TEST_CASE("who is stopped while he waits has popped nothing, and who was served has the item") {
    manual_executor executor;
    std::stop_source early;
    std::stop_source late;
    channel<int> numbers(4);
    std::vector<int> first;
    std::vector<int> second;
    fire_and_forget(executor, {.stop = early.get_token()}, pop_all, std::ref(numbers),
                    std::ref(first));
    fire_and_forget(executor, {.stop = late.get_token()}, pop_all, std::ref(numbers),
                    std::ref(second));
    executor.run_all();
    early.request_stop();
    CHECK(numbers.try_push(1));
    late.request_stop();
    CHECK(numbers.try_push(2));
    executor.run_all();
    CHECK(first == std::vector{-2});
    CHECK(second == std::vector{1, 2, -2});
    CHECK(executor.pending() == 0);
}

TEST_CASE("what waited to be pushed when its coroutine was stopped is not in the channel") {
    manual_executor executor;
    std::stop_source stop;
    channel<int> numbers(1);
    int first = 0;
    int second = 0;
    fire_and_forget(executor, {.stop = stop.get_token()}, push_all, std::ref(numbers), 0, 2,
                    std::ref(first));
    fire_and_forget(executor, push_all, std::ref(numbers), 10, 11, std::ref(second));
    executor.run_all();
    stop.request_stop();
    executor.run_all();
    CHECK(first == 1);
    CHECK(numbers.try_pop() == 0);
    executor.run_all();
    CHECK(second == 1);
    CHECK(numbers.try_pop() == 10);
    CHECK_FALSE(numbers.try_pop());
}

TEST_CASE("with_timeout and when_any on channels lose no item") {
    manual_executor executor;
    channel<int> one(1);
    channel<int> other(1);
    std::vector<int> popped;
    fire_and_forget(executor, [&]() -> faf::task<> {
        try {
            static_cast<void>(co_await faf::with_timeout(one.pop(), 1s));
        } catch (const faf::timed_out&) {
            popped.push_back(-1);
        }
        const auto first = co_await faf::when_any(one.pop(), other.pop());
        popped.push_back(static_cast<int>(first.index()));
        popped.push_back(first.index() == 0 ? *std::get<0>(first) : *std::get<1>(first));
    });
    executor.advance(1s);
    CHECK(other.try_push(5));
    executor.run_all();
    CHECK(one.try_push(6));
    CHECK(popped == std::vector{-1, 1, 5});
    CHECK(one.try_pop() == 6);
}

TEST_CASE("the end of its pool ends a wait at a channel") {
    error_recorder errors;
    channel<int> numbers(1);
    std::vector<int> popped;
    {
        faf::thread_pool pool({.threads = 1});
        std::atomic<bool> has_begun{false};
        fire_and_forget(pool, [&]() -> faf::task<> {
            has_begun = true;
            co_await pop_all(numbers, popped);
        });
        CHECK(eventually([&] { return has_begun && pool.snapshot().running == 0; }));
        CHECK(pool.shutdown(patience));
    }
    CHECK(popped == std::vector{-2});
    CHECK(numbers.try_push(2));
    CHECK(numbers.try_pop() == 2);
}

#endif
