// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "late_pool.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using faf::executor_ref;
using faf::failure;
using faf::fire_and_forget;
using faf::job;
using faf::refusal;
using faf::serial_executor;
using faf::testing::error_recorder;
using faf::testing::manual_executor;

static_assert(faf::executor<serial_executor&>);
static_assert(!std::is_copy_constructible_v<serial_executor>);
static_assert(std::is_nothrow_move_constructible_v<serial_executor>);
static_assert(std::is_nothrow_move_assignable_v<serial_executor>);

bool adds_up(const faf::stats& now) {
    return now.accepted == now.succeeded + now.failed + now.dropped + now.pending + now.running;
}

std::vector<int> first_numbers(int many) {
    std::vector<int> numbers(static_cast<std::size_t>(many));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

} // namespace

TEST_CASE("a serial executor runs its tasks one after the other, in the order of the calls") {
    manual_executor below;
    serial_executor serial(below);
    std::vector<int> seen;
    for (int i = 0; i < 100; ++i) {
        CHECK(fire_and_forget(serial, [&seen, i] { seen.push_back(i); }));
    }
    CHECK(below.pending() == 1);
    CHECK(below.run_one());
    CHECK(seen.size() == 1);
    CHECK(below.run_all() == 99);
    CHECK(seen == first_numbers(100));
    CHECK(below.pending() == 0);
    fire_and_forget(serial, [&seen] { seen.clear(); });
    CHECK(below.run_one());
    CHECK(seen.empty());
}

namespace {

/// Its copy is a task of its own, which fires another one while it is made.
struct fires_when_copied {
    fires_when_copied(serial_executor& at, std::vector<std::string>& seen) noexcept
        : at_(at), seen_(seen) {}
    fires_when_copied(const fires_when_copied& other) noexcept
        : at_(other.at_), seen_(other.seen_) {
        fire_and_forget(at_, [&to = seen_] { to.emplace_back("fired by the copy"); });
    }
    void operator()() const { seen_.emplace_back("the copy"); }

    serial_executor& at_;
    std::vector<std::string>& seen_;
};
static_assert(std::is_trivially_destructible_v<fires_when_copied>);

/// Its address tells whether it is aligned.
struct alignas(64) overaligned {
    int value;
};

/// Fires tasks of all sizes up to the one that no slot has room for, which append `number` and what
/// follows it.
template <std::size_t... Words>
void fire_sizes(serial_executor& at, std::vector<std::size_t>& seen, std::size_t number,
                std::index_sequence<Words...>) {
    (fire_and_forget(at,
                     [&seen, number, words = std::array<std::size_t, Words>{}]() mutable {
                         words.fill(number);
                         seen.push_back(number + words.size());
                     }),
     ...);
}

} // namespace

TEST_CASE("tasks of all sizes run in the order of the calls in a serial executor") {
    constexpr std::size_t sizes = 8;
    manual_executor below;
    serial_executor serial(below);
    std::vector<std::size_t> seen;
    for (const std::size_t together : {1U, 2U, 40U}) {
        for (std::size_t i = 0; i < together; ++i) {
            fire_sizes(serial, seen, i * (sizes + 2), std::make_index_sequence<sizes>());
            fire_and_forget(serial, {.name = "with options"},
                            [&seen, n = i * (sizes + 2) + sizes] { seen.push_back(n); });
            fire_and_forget(
                serial,
                [&seen](const overaligned& it, const std::unique_ptr<std::size_t>& n) {
                    CHECK(reinterpret_cast<std::uintptr_t>(&it) % alignof(overaligned) == 0);
                    seen.push_back(*n);
                },
                overaligned{1}, std::make_unique<std::size_t>(i * (sizes + 2) + sizes + 1));
        }
        below.run_all();
        std::vector<std::size_t> in_order(together * (sizes + 2));
        std::iota(in_order.begin(), in_order.end(), std::size_t{0});
        CHECK(seen == in_order);
        seen.clear();
    }
}

TEST_CASE("a copy that fires at the serial executor it is for is no deadlock") {
    manual_executor below;
    serial_executor serial(below);
    std::vector<std::string> seen;
    const fires_when_copied task(serial, seen);
    CHECK(fire_and_forget(serial, task));
    below.run_all();
    CHECK(seen == std::vector<std::string>{"fired by the copy", "the copy"});
}

TEST_CASE("tasks of two serial executors have their turns one after the other") {
    manual_executor below;
    serial_executor a(below);
    serial_executor b(below);
    std::string seen;
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(a, [&] { seen += 'a'; });
        fire_and_forget(b, [&] { seen += 'b'; });
    }
    below.run_all();
    CHECK(seen == "ababab");
}

TEST_CASE("a task that fires at its own serial executor is followed by what it fires") {
    manual_executor below;
    serial_executor serial(below);
    std::vector<int> seen;
    fire_and_forget(serial, [&] {
        fire_and_forget(serial, [&] { seen.push_back(2); });
        seen.push_back(0);
    });
    fire_and_forget(serial, [&] { seen.push_back(1); });
    below.run_all();
    CHECK(seen == first_numbers(3));
}

TEST_CASE(
    "however many tasks wait in a serial executor, and come while others run, they keep order") {
    manual_executor below;
    serial_executor serial(below);
    for (const int many : {1, 3, 4, 15, 16, 100}) {
        CAPTURE(many);
        std::vector<int> seen;
        for (int i = 0; i < many; ++i) {
            fire_and_forget(serial, [&, i, many] {
                seen.push_back(i);
                fire_and_forget(serial, [&, i, many] { seen.push_back(many + i); });
            });
        }
        below.run_all();
        CHECK(seen == first_numbers(2 * many));
    }
}

TEST_CASE("the priority of a task changes nothing in a serial executor") {
    manual_executor below;
    serial_executor serial(below);
    std::vector<int> seen;
    fire_and_forget(serial, {.priority = faf::priority::low}, [&] { seen.push_back(0); });
    fire_and_forget(serial, {.priority = faf::priority::high}, [&] { seen.push_back(1); });
    below.run_all();
    CHECK(seen == first_numbers(2));
}

TEST_CASE("what waits for its time comes into a serial executor when that has come") {
    manual_executor below;
    serial_executor serial(below);
    std::string seen;
    fire_and_forget(serial, {.after = 2s}, [&] { seen += 'd'; });
    fire_and_forget(serial, [&] { seen += 'a'; });
    below.run_all();
    below.advance(1s);
    CHECK(seen == "a");
    below.advance(1s);
    CHECK(seen == "ad");
}

TEST_CASE("a task that repeats in a serial executor ends when it says so") {
    manual_executor below;
    serial_executor serial(below);
    int runs = 0;
    std::weak_ptr<int> kept;
    {
        auto owned = std::make_shared<int>(0);
        kept = owned;
        fire_and_forget(serial, {.every = 1s}, [&runs, owned] {
            return ++runs < 3 ? faf::keep_repeating : faf::stop_repeating;
        });
    }
    below.advance(1s);
    CHECK(runs == 2);
    CHECK_FALSE(kept.expired());
    below.advance(10s);
    CHECK(runs == 3);
    CHECK(kept.expired());
    CHECK(below.pending() == 0);
}

TEST_CASE("tasks of a serial executor are cancelled and expire like others") {
    const error_recorder errors(faf::hears::cancelled_too);
    manual_executor below;
    serial_executor serial(below);
    std::stop_source stop;
    int runs = 0;
    fire_and_forget(serial, {.stop = stop.get_token()}, [&] { ++runs; });
    fire_and_forget(serial, {.expires = 1s}, [&] { ++runs; });
    fire_and_forget(serial, {.after = 1h, .stop = stop.get_token()}, [&] { ++runs; });
    fire_and_forget(serial, {.every = 1h, .stop = stop.get_token()}, [&] { ++runs; });
    stop.request_stop();
    static_cast<void>(below.run_all());
    CHECK(runs == 1); // what has not expired
    fire_and_forget(serial, [&below] { below.advance(2s); });
    fire_and_forget(serial, {.expires = 1s}, [&] { ++runs; });
    below.run_all();
    CHECK(runs == 1);
    REQUIRE(errors.count() == 4);
    CHECK(errors.errors()[0].kind == failure::cancelled);
    CHECK(errors.errors()[3].kind == failure::expired);
    CHECK(below.pending() == 0);
}

TEST_CASE(
    "what a task of a serial executor throws is reported to its sink, and the next one runs") {
    error_recorder errors;
    manual_executor below;
    serial_executor serial(below);
    std::string told;
    int runs = 0;
    fire_and_forget(serial,
                    {.name = "bad", .on_error = [&](const faf::error_report& r) { told = r.what; }},
                    [] { throw std::runtime_error("no"); });
    fire_and_forget(serial, [&] { ++runs; });
    below.run_all();
    CHECK(told == "no");
    CHECK(runs == 1);
    CHECK(errors.empty());
}

TEST_CASE("tasks run that wait in a serial executor when it goes") {
    manual_executor below;
    int runs = 0;
    {
        serial_executor serial(below);
        fire_and_forget(serial, [&] { ++runs; });
        fire_and_forget(serial, {.after = 1s}, [&] { ++runs; });
        serial_executor moved(std::move(serial));
        fire_and_forget(moved, [&] { ++runs; });
    }
    below.run_all();
    CHECK(runs == 2);
    below.advance(1s);
    CHECK(runs == 3);
}

TEST_CASE(
    "tasks of a serial executor are reported as abandoned when its executor goes, each once") {
    error_recorder errors;
    std::optional<manual_executor> below(std::in_place);
    serial_executor serial(*below);
    std::string told;
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(serial, [] {});
    }
    fire_and_forget(serial, {.on_error = [&](const faf::error_report& r) { told = r.what; }},
                    [] {});
    fire_and_forget(serial, {.name = "later", .after = 1s}, [] {});
    below.reset();
    std::uint64_t abandoned = 0;
    for (const auto& one : errors.errors()) {
        CHECK(one.kind == failure::abandoned);
        abandoned += 1 + one.suppressed;
    }
    CHECK(abandoned == 4);
    CHECK_FALSE(told.empty());
}

TEST_CASE("a coroutine stays on its serial executor, and others run while it waits") {
    manual_executor below;
    serial_executor serial(below);
    std::string seen;
    faf::completion<> done;
    fire_and_forget(serial, [&]() -> faf::task<> {
        seen += 'a';
        co_await faf::yield();
        seen += 'c';
        co_await faf::sleep_for(1s);
        seen += 'e';
        co_await done;
        seen += 'g';
    });
    fire_and_forget(serial, [&] { seen += 'b'; });
    below.run_all();
    CHECK(seen == "abc");
    fire_and_forget(serial, {.after = 1s}, [&] {
        seen += 'd';
        fire_and_forget(serial, [&] { seen += 'f'; });
    });
    below.advance(1s);
    CHECK(seen.size() == 6);
    CHECK(seen.find('e') != std::string::npos);
    done.complete();
    CHECK(seen.back() != 'g');
    fire_and_forget(serial, [&] { seen += 'h'; });
    below.run_all();
    CHECK(seen.substr(6) == "gh");
}

TEST_CASE("a coroutine that waits keeps what it needs of a serial executor that is gone") {
    manual_executor below;
    int steps = 0;
    {
        serial_executor serial(below);
        fire_and_forget(serial, [&]() -> faf::task<> {
            ++steps;
            co_await faf::sleep_for(1s);
            ++steps;
            co_await faf::yield();
            ++steps;
        });
        below.run_all();
    }
    CHECK(steps == 1);
    below.advance(1s);
    CHECK(steps == 3);
}

TEST_CASE("a coroutine comes to a serial executor by resume_on, and leaves it") {
    manual_executor first;
    manual_executor below;
    int steps = 0;
    {
        serial_executor serial(below);
        fire_and_forget(first, [&]() -> faf::task<> {
            co_await faf::resume_on(serial);
            ++steps;
            co_await faf::sleep_for(1s);
            ++steps;
            co_await faf::resume_on(first);
            ++steps;
        });
        first.run_all();
        CHECK(steps == 0);
        below.run_all();
        CHECK(steps == 1);
    }
    below.advance(1s);
    CHECK(steps == 2);
    first.run_all();
    CHECK(steps == 3);
}

TEST_CASE("a coroutine that repeats in a serial executor runs again") {
    manual_executor below;
    serial_executor serial(below);
    int runs = 0;
    fire_and_forget(serial, {.every = 10s}, [&]() -> faf::task<> {
        co_await faf::sleep_for(1s);
        ++runs;
    });
    below.advance(25s);
    CHECK(runs == 3);
}

TEST_CASE("a coroutine that sleeps in a serial executor ends with the executor below") {
    error_recorder errors;
    auto below = std::make_optional<manual_executor>();
    int destroyed = 0;
    struct counted {
        int& count;
        ~counted() { ++count; }
    };
    {
        serial_executor serial(*below);
        fire_and_forget(serial, [&]() -> faf::task<> {
            const counted here{destroyed};
            co_await faf::sleep_for(1s);
        });
        below->run_all();
        fire_and_forget(serial, [&]() -> faf::task<> {
            const counted here{destroyed};
            co_await faf::yield();
        });
        below->run_one();
    }
    below.reset();
    CHECK(destroyed == 2);
    CHECK(errors.count() == 2);
}

TEST_CASE("a pool counts the tasks of serial executors, and drain waits for them") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 2, .on_error = errors.sink()});
    std::vector<serial_executor> serials;
    for (int i = 0; i < 10; ++i) {
        serials.emplace_back(pool);
    }
    std::vector<int> sums(10);
    for (int i = 0; i < 1000; ++i) {
        const auto at = static_cast<std::size_t>(i % 10);
        CHECK(fire_and_forget(serials[at], [&sum = sums[at]] { ++sum; }));
    }
    for (serial_executor& serial : serials) {
        fire_and_forget(serial, {.after = 1ms}, [] { throw std::runtime_error("late"); });
        fire_and_forget(serial, []() -> faf::task<> { co_await faf::sleep_for(1ms); });
    }
    CHECK(pool.drain(60s));
    const faf::stats now = pool.snapshot();
    CHECK(adds_up(now));
    CHECK(now.accepted == 1020);
    CHECK(now.succeeded == 1010);
    CHECK(now.failed == 10);
    CHECK(now.pending == 0);
    CHECK(sums == std::vector<int>(10, 100));
    CHECK(errors.count() == 10);
}

TEST_CASE("a serial executor refuses what a closed pool would refuse") {
    error_recorder errors;
    error_recorder own;
    faf::thread_pool pool({.threads = 1, .on_error = own.sink()});
    serial_executor serial(pool);
    pool.shutdown(10s);
    CHECK(fire_and_forget(serial, [] {}).why() == refusal::shutting_down);
    CHECK(fire_and_forget(serial, {.after = 1s}, [] {}).why() == refusal::shutting_down);
    CHECK(own.count() == 2);
    CHECK(pool.snapshot().refused == 2);
    CHECK(pool.snapshot().accepted == 0);
}

TEST_CASE("what waits in a serial executor when a pool's time is up is abandoned, each task once") {
    error_recorder own;
    std::latch is_running(1);
    std::atomic<bool> may_end{false};
    std::atomic<int> runs{0};
    faf::stats at_the_end;
    {
        faf::thread_pool pool({.threads = 1, .exit_timeout = 0s, .on_error = own.sink()});
        serial_executor serial(pool);
        serial_executor other(pool);
        fire_and_forget(serial, [&] {
            is_running.count_down();
            may_end.wait(false);
        });
        is_running.wait();
        for (int i = 0; i < 5; ++i) {
            fire_and_forget(serial, [&] { ++runs; });
            fire_and_forget(other, [&] { ++runs; });
        }
        CHECK_FALSE(pool.shutdown(10ms));
        may_end = true;
        may_end.notify_one();
        CHECK(faf_test::eventually([&] {
            std::uint64_t told = 0;
            for (const auto& one : own.errors()) {
                told += 1 + one.suppressed;
            }
            return told == 11;
        }));
        at_the_end = pool.snapshot();
    }
    CHECK(runs == 0);
    CHECK(adds_up(at_the_end));
    CHECK(at_the_end.dropped == 11);
    CHECK(at_the_end.succeeded == 0);
}

TEST_CASE("a serial executor stands on own_thread, and on a function that takes jobs") {
    std::atomic<int> runs{0};
    std::atomic<int> inside{0};
    std::atomic<bool> overlap{false};
    const auto once = [&] {
        overlap = overlap || ++inside > 1;
        ++runs;
        --inside;
    };
    serial_executor on_threads(faf::own_thread);
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(on_threads, once);
    }
    fire_and_forget(on_threads, [&]() -> faf::task<> {
        once();
        co_await faf::sleep_for(1ms);
        once();
    });
    CHECK(faf_test::eventually([&] { return runs == 102; }));
    CHECK(faf::drain(60s));
    CHECK(adds_up(faf::snapshot()));
    CHECK_FALSE(overlap);

    std::vector<job> jobs;
    auto somebody = [&](job work) { jobs.push_back(std::move(work)); };
    serial_executor serial(somebody);
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(serial, once);
    }
    CHECK(jobs.size() == 1);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        job next = std::move(jobs[i]);
        next();
    }
    CHECK(jobs.size() == 2);
    CHECK(runs == 202);
}

TEST_CASE("an inline executor does not grow its stack by a serial executor that fires at itself") {
    const faf::inline_executor here;
    serial_executor serial(here);
    int left = 100'000;
    std::function<void()> again = [&] {
        if (--left > 0) {
            fire_and_forget(serial, std::ref(again));
        }
    };
    fire_and_forget(serial, std::ref(again));
    CHECK(left == 0);
}

TEST_CASE("what an executor of somebody else's throws or drops reaches each task once") {
    error_recorder errors;
    auto drops = [](job) {};
    serial_executor dropped(drops);
    CHECK(fire_and_forget(dropped, [] {}).why() == refusal::executor_failed);
    CHECK(errors.count() == 1);
    CHECK(fire_and_forget(dropped, [] {}).why() == refusal::executor_failed);
    CHECK(errors.count() == 2);

    std::vector<job> jobs;
    auto keeps = [&](job work) { jobs.push_back(std::move(work)); };
    serial_executor kept(keeps);
    CHECK(fire_and_forget(kept, {.name = "a"}, [] {}));
    CHECK(fire_and_forget(kept, {.name = "b"}, [] {}));
    jobs.clear();
    REQUIRE(errors.count() == 4);
    CHECK(errors.errors()[2].task == "a");
    CHECK(errors.errors()[3].task == "b");
    CHECK(fire_and_forget(kept, [] {}));
    REQUIRE(jobs.size() == 1);
    jobs.front()();
    CHECK(fire_and_forget(kept, {.after = 1s}, [] {}).why() == refusal::invalid_options);
}

TEST_CASE(
    "what waits in a serial executor whose turn is dropped goes once, and a coroutine as well") {
    error_recorder errors;
    std::vector<job> jobs;
    auto later = [&jobs](job work) { jobs.push_back(std::move(work)); };
    serial_executor serial(later);
    serial_executor inner = [&] {
        const faf::executor_ref outer(serial);
        return serial_executor(outer);
    }();
    const auto alive = std::make_shared<int>();
    faf::completion<> done;
    fire_and_forget(serial, [&done, alive]() -> faf::task<> { co_await done; });
    job first = std::move(jobs.front());
    jobs.clear();
    first();
    std::uint64_t tasks = 1;
    SECTION("when it has waited") {
        CHECK(done.complete());
    }
    SECTION("behind others, in a turn of another one") {
        fire_and_forget(inner, [alive] {});
        fire_and_forget(inner, [alive] {});
        CHECK(done.complete());
        tasks = 3;
    }
    REQUIRE(jobs.size() == 1);
    jobs.clear();
    CHECK(alive.use_count() == 1);
    std::uint64_t abandoned = 0;
    for (const auto& one : errors.errors()) {
        abandoned += one.kind == failure::abandoned ? 1 + one.suppressed : 0;
    }
    CHECK(abandoned == tasks);
}

TEST_CASE("a task dropped in a serial executor may be the last owner of a scope on that") {
    const error_recorder errors;
    std::vector<job> jobs;
    auto later = [&jobs](job work) { jobs.push_back(std::move(work)); };
    serial_executor serial(later);
    auto scope = std::make_shared<faf::task_scope>(serial);
    int runs = 0;
    fire_and_forget(serial, [scope] {});
    fire_and_forget(*scope, [&runs] { ++runs; });
    fire_and_forget(*scope, [&runs, large = std::string("large")] { ++runs; });
    scope.reset();
    jobs.clear(); // the owner waits for those behind it
    CHECK(runs == 0);
    CHECK_FALSE(errors.empty());
}

TEST_CASE("a serial executor on another one keeps the order of both") {
    manual_executor below;
    serial_executor outer(below);
    const executor_ref on(outer);
    serial_executor inner(on);
    std::vector<int> seen;
    for (int i = 0; i < 10; ++i) {
        fire_and_forget(inner, [&seen, i] { seen.push_back(i); });
    }
    int steps = 0;
    fire_and_forget(inner, [&]() -> faf::task<> {
        co_await faf::sleep_for(1s);
        ++steps;
    });
    below.run_all();
    CHECK(seen == first_numbers(10));
    below.advance(1s);
    CHECK(steps == 1);
}

TEST_CASE("what waits for its time in serial executors on each other runs when all have gone") {
    std::atomic<int> runs{0};
    const auto run = [&runs] { ++runs; };
    faf::thread_pool pool({.threads = 1});
    {
        serial_executor lowest(pool);
        const executor_ref on_lowest(lowest);
        serial_executor middle(on_lowest);
        const executor_ref on_middle(middle);
        serial_executor highest(on_middle);
        fire_and_forget(middle, {.after = 10ms}, run);
        fire_and_forget(highest, {.after = 20ms}, run);
        fire_and_forget(highest, {.every = 10ms}, [run, left = 3]() mutable {
            run();
            return --left > 0 ? faf::keep_repeating : faf::stop_repeating;
        });
    }
    CHECK(faf_test::eventually([&] { return runs == 5; }));
    CHECK(pool.drain(faf_test::patience));
}

TEST_CASE("tasks that share a serial executor never overlap, from whichever threads they come") {
    faf::thread_pool pool({.threads = 4});
    serial_executor serial(pool);
    constexpr int threads = 3;
    constexpr int each = 2'000;
    long sum = 0; // no lock, no atomic
    int last[threads] = {-1, -1, -1};
    bool in_order = true;
    {
        std::vector<std::jthread> producers;
        for (int t = 0; t < threads; ++t) {
            producers.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    fire_and_forget(serial, [&, t, i] {
                        ++sum;
                        in_order = in_order && std::exchange(last[t], i) == i - 1;
                    });
                }
            });
        }
    }
    CHECK(pool.drain(60s));
    CHECK(sum == threads * each);
    CHECK(in_order);
}

TEST_CASE("other tasks have the worker between the turns of a serial executor that never ends") {
    faf::thread_pool pool({.threads = 1});
    serial_executor serial(pool);
    std::atomic<bool> stop{false};
    std::function<void()> again = [&] {
        if (!stop) {
            fire_and_forget(serial, std::ref(again));
        }
    };
    fire_and_forget(serial, std::ref(again));
    fire_and_forget(pool, [&] { stop = true; });
    CHECK(faf_test::eventually([&] { return stop.load(); }));
    CHECK(pool.drain(60s));
}

TEST_CASE("a serial executor takes what a pool with a limit repeats, and gives its place back") {
    faf::thread_pool pool({.threads = 1, .max_pending = 1});
    serial_executor serial(pool);
    for (int i = 0; i < 3; ++i) { // the place is needed each time
        std::atomic<int> runs{0};
        CHECK(faf_test::eventually([&] {
            return static_cast<bool>(
                fire_and_forget(serial, {.every = 1ms, .on_error = [](auto&) {}}, [&runs] {
                    return ++runs < 3 ? faf::keep_repeating : faf::stop_repeating;
                }));
        }));
        CHECK(faf_test::eventually([&] { return runs == 3; }));
    }
    CHECK(pool.drain(60s));
    CHECK(adds_up(pool.snapshot()));
}

TEST_CASE("a task whose time has come is behind what waits in its serial executor") {
    for (const auto every : {0h, 1h}) {
        faf::testing::manual_executor ex;
        serial_executor serial(ex);
        std::string order;
        const auto note = [&order](char letter) { return [&order, letter] { order += letter; }; };
        fire_and_forget(serial, {.after = 1s, .every = every}, [&order] {
            order += 'd';
            return faf::stop_repeating;
        });
        fire_and_forget(serial, [&] {
            ex.advance(1s);
            order += 'a';
        });
        fire_and_forget(serial, note('b'));
        fire_and_forget(serial, note('c'));
        ex.run_all();
        CHECK(order == "abcd");
    }
}

TEST_CASE("drain waits for what came into a serial executor while its turn was handed over") {
    faf::thread_pool pool({.threads = 1});
    faf_test::late_pool below(pool);
    serial_executor serial(below);
    std::atomic<int> runs{0};
    bool is_drained = true;
    below.before_turn = [&] {
        std::thread([&] {
            CHECK(fire_and_forget(serial, [&runs] { ++runs; }));
            is_drained = pool.drain(0s);
        }).join();
    };
    CHECK(fire_and_forget(serial, [&runs] { ++runs; }));
    CHECK_FALSE(is_drained);
    CHECK(pool.drain(60s));
    CHECK(runs == 2);
    CHECK(adds_up(pool.snapshot()));
}

TEST_CASE("a shutdown knows of what came into a serial executor while its turn was handed over") {
    std::atomic<int> abandoned{0};
    faf::thread_pool pool({.threads = 1});
    const auto before = faf::set_error_sink([&](const faf::error_report& report) {
        abandoned += report.kind == failure::abandoned ? 1 : 0;
        CHECK(pool.drain()); // it does not wait for who reports
    });
    faf_test::late_pool below(pool);
    serial_executor serial(below);
    bool is_all_done = true;
    below.before_turn = [&] {
        std::thread([&] {
            CHECK(fire_and_forget(serial, [] {}));
            is_all_done = pool.shutdown(0s);
        }).join();
    };
    CHECK(fire_and_forget(serial, [] {}).why() == refusal::shutting_down);
    CHECK_FALSE(is_all_done);
    CHECK(abandoned == 1);
    CHECK(pool.drain());
    faf::set_error_sink(before);
}
