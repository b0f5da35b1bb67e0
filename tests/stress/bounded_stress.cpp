// SPDX-License-Identifier: MIT
// Pools in which only so many tasks may wait: never more do, and what becomes of the others is
// counted exactly.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::overflow;
using faf::pool_options;
using faf::priority;
using faf::refusal;
using faf::thread_pool;

constexpr std::uint64_t most = 16;

/// Counts reports, and keeps the names of the tasks they were about.
class heard_reports {
public:
    faf::error_sink sink() {
        return [this](const faf::error_report& report) {
            counts_[static_cast<std::size_t>(report.kind)] += 1 + report.suppressed;
            const std::lock_guard lock(mutex_);
            names_ += report.task;
        };
    }
    std::uint64_t of(failure kind) const { return counts_[static_cast<std::size_t>(kind)]; }
    std::uint64_t all() const {
        std::uint64_t sum = 0;
        for (const auto& one : counts_) {
            sum += one;
        }
        return sum;
    }
    std::string names() {
        const std::lock_guard lock(mutex_);
        return names_;
    }

private:
    std::array<std::atomic<std::uint64_t>, 10> counts_{};
    std::mutex mutex_;
    std::string names_;
};

/// A pool with a limit whose workers are kept until they are let go.
class frozen_pool {
public:
    explicit frozen_pool(pool_options how, unsigned workers = 2) : pool_(complete(how, workers)) {
        for (unsigned i = 0; i < workers; ++i) { // one by one: the limit may be less than that
            REQUIRE(fire_and_forget(pool_, [kept = ice_] {
                ++kept->frozen;
                kept->is_free.wait(false);
            }));
            REQUIRE(eventually([&] { return ice_->frozen == i + 1; }));
        }
        frozen_tasks_ = workers;
    }
    ~frozen_pool() { let_go(); }
    frozen_pool(const frozen_pool&) = delete;
    frozen_pool& operator=(const frozen_pool&) = delete;

    void let_go() {
        ice_->is_free = true;
        ice_->is_free.notify_all();
    }
    /// Lets the workers go and waits until all is done.
    faf::stats finish() {
        let_go();
        CHECK(pool_.drain(patience));
        return pool_.snapshot();
    }
    std::uint64_t frozen_tasks() const { return frozen_tasks_; }
    thread_pool& operator*() { return pool_; }
    thread_pool* operator->() { return &pool_; }

private:
    static pool_options complete(pool_options how, unsigned workers) {
        how.threads = workers;
        how.max_threads = workers;
        how.starvation_after = std::chrono::nanoseconds(0);
        return how;
    }

    /// Shared: a worker that is given up may still stand there.
    struct ice {
        std::atomic<bool> is_free{false};
        std::atomic<unsigned> frozen{0};
    };

    std::shared_ptr<ice> ice_ = std::make_shared<ice>();
    std::uint64_t frozen_tasks_ = 0;
    thread_pool pool_;
};

TEST_CASE("a pool with a limit refuses exactly what is too many, and reports and counts it") {
    heard_reports heard;
    frozen_pool pool({.max_pending = most, .on_error = heard.sink()});
    std::atomic<std::uint64_t> runs{0};
    for (std::uint64_t i = 0; i < 100; ++i) {
        const faf::submission answer = fire_and_forget(*pool, [&] { ++runs; });
        CHECK(answer.why() == (i < most ? refusal::none : refusal::queue_full));
    }
    CHECK(fire_and_forget(*pool, {.after = 1ns}, [&] { ++runs; }).why() == refusal::queue_full);
    CHECK(fire_and_forget(*pool, {.every = 1s}, [&] { ++runs; }).why() == refusal::queue_full);
    CHECK(pool->snapshot().pending == most);
    CHECK(heard.of(failure::refused) == 100 - most + 2);
    const faf::stats end = pool.finish();
    CHECK(runs == most);
    CHECK(end.accepted == most + pool.frozen_tasks());
    CHECK(end.refused == 100 - most + 2);
    CHECK(end.succeeded == end.accepted);
    CHECK(heard.all() == end.refused);
    CHECK(fire_and_forget(*pool, [] {})); // its places are free again
}

TEST_CASE("tasks that wait for their time and those that repeat hold places until they end") {
    heard_reports heard;
    frozen_pool pool({.max_pending = 3, .on_error = heard.sink()}, 1);
    std::atomic<int> runs{0};
    std::atomic<bool> may_end{false};
    CHECK(fire_and_forget(*pool, {.after = 1h}, [] {}));
    CHECK(fire_and_forget(*pool, {.every = 1ms}, [&] {
        ++runs;
        return may_end ? faf::stop_repeating : faf::keep_repeating;
    }));
    CHECK(fire_and_forget(*pool, [&] { ++runs; }));
    CHECK(fire_and_forget(*pool, [] {}).why() == refusal::queue_full);
    pool.let_go();
    REQUIRE(eventually([&] { return runs >= 4; })); // between its runs it has its place, too
    for (int i = 0; i < 100; ++i) {
        const bool is_first = bool(fire_and_forget(*pool, {.after = 1h}, [] {}));
        CHECK(is_first == (i == 0)); // the place of the plain one
    }
    may_end = true;
    REQUIRE(eventually([&] { return bool(fire_and_forget(*pool, {.after = 1h}, [] {})); }));
    CHECK_FALSE(fire_and_forget(*pool, [] {}));
    CHECK_FALSE(pool->shutdown(0s));
    CHECK(heard.of(failure::abandoned) == 3);
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a cancelled task gives its place back without waiting for its time") {
    heard_reports heard;
    thread_pool pool({.threads = 1, .max_pending = 1, .on_error = heard.sink()});
    for (int i = 0; i < load(200, 50); ++i) {
        std::stop_source source;
        REQUIRE(eventually([&] {
            return bool(fire_and_forget(pool, {.after = 1h, .stop = source.get_token()}, [] {}));
        }));
        source.request_stop();
    }
    CHECK(pool.drain(patience));
    CHECK(pool.snapshot().cancelled == load(200U, 50U));
    CHECK(pool.snapshot().succeeded == 0);
}

#endif

TEST_CASE("the oldest task makes room, and is reported as displaced and counted") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 3, .when_full = overflow::drop_oldest, .on_error = heard.sink()});
    std::mutex mutex;
    std::string ran;
    static constexpr faf::literal names[] = {"a", "b", "c", "d", "e", "f"};
    for (const faf::literal name : names) {
        CHECK(fire_and_forget(*pool, {.name = name}, [&mutex, &ran, name] {
            const std::lock_guard lock(mutex);
            ran += name;
        }));
        CHECK(pool->snapshot().pending <= 3);
    }
    CHECK(heard.names() == "abc");
    CHECK(heard.of(failure::displaced) == 3);
    const faf::stats end = pool.finish();
    std::sort(ran.begin(), ran.end());
    CHECK(ran == "def");
    CHECK(end.accepted == 6 + pool.frozen_tasks());
    CHECK(end.dropped == 3);
    CHECK(end.succeeded == 3 + pool.frozen_tasks());
    CHECK(end.refused == 0);
    CHECK(heard.all() == 3);
}

TEST_CASE("the oldest task makes room, whichever thread fired it") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 3, .when_full = overflow::drop_oldest, .on_error = heard.sink()});
    static constexpr faf::literal names[] = {"a", "b", "c", "d", "e", "f"};
    std::vector<std::thread> threads; // all are there until the end, so that each has its own lane
    std::atomic<int> turn{0};
    for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&, i] {
            while (turn < i) {
                std::this_thread::yield();
            }
            turn += fire_and_forget(*pool, {.name = names[i]}, [] {}) ? 1 : 100;
            while (turn < 6) {
                std::this_thread::yield();
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(turn == 6);
    CHECK(heard.names() == "abc");
    pool.finish();
}

TEST_CASE("no task makes room for one of lower priority") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 3, .when_full = overflow::drop_oldest, .on_error = heard.sink()});
    CHECK(fire_and_forget(*pool, {.name = "a", .priority = priority::high}, [] {}));
    CHECK(fire_and_forget(*pool, {.name = "b"}, [] {}));
    CHECK(fire_and_forget(*pool, {.name = "c", .after = 1ms}, [] {}));
    const auto fire = [&](faf::literal name, priority level) {
        return fire_and_forget(*pool, {.name = name, .priority = level}, [] {}).why();
    };
    CHECK(fire("d", priority::low) == refusal::queue_full);
    CHECK(heard.names() == "d"); // it is the one that is reported
    CHECK(fire("e", priority::normal) == refusal::none);
    CHECK(heard.of(failure::displaced) == 1);
    CHECK(heard.of(failure::refused) == 1);
    CHECK(heard.names().substr(0, 2) == "db");
    CHECK(fire("f", priority::high) == refusal::none); // the normal ones first, then the high one
    CHECK(heard.of(failure::displaced) == 2);
    CHECK(heard.names().find('a') == std::string::npos);
    const faf::stats end = pool.finish();
    CHECK(end.accepted == end.succeeded + end.dropped);
    CHECK(end.dropped == 2);
    CHECK(end.refused == 1);
}

TEST_CASE("tasks that wait for their time make room, the latest first, but none that repeats") {
    heard_reports heard;
    thread_pool pool({.threads = 1,
                      .max_pending = 4,
                      .when_full = overflow::drop_oldest,
                      .exit_timeout = 0s,
                      .on_error = heard.sink()});
    CHECK(fire_and_forget(pool, {.name = "r", .after = 4h, .every = 1h}, [] {}));
    CHECK(fire_and_forget(pool, {.name = "h", .priority = priority::high, .after = 3h}, [] {}));
    CHECK(fire_and_forget(pool, {.name = "a", .after = 2h}, [] {}));
    CHECK(fire_and_forget(pool, {.name = "b", .after = 1h}, [] {}));
    const auto fire = [&](faf::literal name, priority level) {
        return fire_and_forget(pool, {.name = name, .priority = level, .after = 90min}, [] {})
            .why();
    };
    CHECK(fire("c", priority::normal) == refusal::none);
    CHECK(heard.names() == "a");
    CHECK(fire("d", priority::high) == refusal::none);
    CHECK(heard.names() == "ac");
    CHECK(fire("e", priority::high) == refusal::none);
    CHECK(heard.names() == "acb");
    CHECK(fire("f", priority::high) == refusal::none); // now that there is no lower one
    CHECK(heard.names() == "acbh");
    CHECK(heard.of(failure::displaced) == 4);
    CHECK(fire("g", priority::normal) == refusal::queue_full);
    const faf::stats now = pool.snapshot();
    CHECK(now.accepted == 8);
    CHECK(now.dropped == 4);
    CHECK(now.pending == 4);
    CHECK(now.refused == 1);
}

TEST_CASE("a task that waits for a worker makes room before one that waits for its time") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 2, .when_full = overflow::drop_oldest, .on_error = heard.sink()});
    CHECK(fire_and_forget(*pool, {.name = "a", .after = 1h}, [] {}));
    CHECK(fire_and_forget(*pool, {.name = "b"}, [] {}));
    CHECK(fire_and_forget(*pool, {.name = "c"}, [] {}));
    CHECK(heard.names() == "b");
    CHECK(pool->shutdown(0s) == false);
}

TEST_CASE("a caller who finds no room runs the task himself, before the call returns") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 2, .when_full = overflow::run_in_caller, .on_error = heard.sink()});
    std::vector<std::thread::id> ran_on(20);
    for (std::size_t i = 0; i < ran_on.size(); ++i) {
        CHECK(fire_and_forget(*pool, [&ran_on, i] { ran_on[i] = std::this_thread::get_id(); }));
        CHECK((ran_on[i] == std::this_thread::get_id()) == (i >= 2));
    }
    CHECK(fire_and_forget(*pool, [] { throw 1; })); // which is reported, and goes no further
    CHECK(heard.of(failure::exception) == 1);
    CHECK(fire_and_forget(*pool, {.after = 1ms}, [] {}).why() == refusal::queue_full);
    CHECK(fire_and_forget(*pool, {.every = 1ms}, [] {}).why() == refusal::queue_full);
    const faf::stats now = pool->snapshot();
    CHECK(now.pending == 2);
    CHECK(now.running == pool.frozen_tasks());
    CHECK(now.succeeded == 18);
    CHECK(now.failed == 1);
    const faf::stats end = pool.finish();
    CHECK(end.accepted == 21 + pool.frozen_tasks());
    CHECK(end.succeeded == 20 + pool.frozen_tasks());
    CHECK(end.refused == 2);
    CHECK(ran_on[0] != std::this_thread::get_id());
    CHECK(ran_on[1] != std::this_thread::get_id());
}

TEST_CASE(
    "a task that its caller runs belongs to the pool: drain and shutdown answer false in it") {
    frozen_pool pool({.max_pending = 1, .when_full = overflow::run_in_caller});
    REQUIRE(fire_and_forget(*pool, [] {}));
    bool drained = true;
    bool shut_down = true;
    std::size_t running = 0;
    CHECK(fire_and_forget(*pool, [&] {
        drained = pool->drain(1h);
        running = pool->snapshot().running;
        shut_down = pool->shutdown(1h);
    }));
    CHECK_FALSE(drained);
    CHECK_FALSE(shut_down);
    CHECK(running == pool.frozen_tasks() + 1);
    pool.finish();
}

TEST_CASE("a task that its caller runs may fire others, but not without end") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 1, .when_full = overflow::run_in_caller, .on_error = heard.sink()});
    REQUIRE(fire_and_forget(*pool, [] {}));
    struct chain {
        thread_pool* pool;
        int* runs;
        refusal* end;
        void operator()() const {
            ++*runs;
            *end = fire_and_forget(*pool, *this).why();
        }
    };
    int runs = 0;
    refusal end = refusal::none;
    CHECK(fire_and_forget(*pool, chain{&*pool, &runs, &end}));
    CHECK(runs >= 1);
    CHECK(runs < 1000);
    CHECK(heard.of(failure::refused) == 1);
    pool.finish();
}

TEST_CASE("a caller who may wait for room waits in vain for as long as he is to, and is refused") {
    heard_reports heard;
    frozen_pool pool({.max_pending = 1,
                      .when_full = overflow::wait,
                      .full_wait = 20ms,
                      .on_error = heard.sink()});
    REQUIRE(fire_and_forget(*pool, [] {}));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(fire_and_forget(*pool, [] {}).why() == refusal::queue_full);
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= 20ms);
    CHECK(took < patience);
    CHECK(heard.of(failure::refused) == 1);
    pool.finish();
}

TEST_CASE("a caller who waits for room gets the first that is free") {
    for (int round = 0; round < load(200, 30); ++round) {
        frozen_pool pool({.max_pending = 1, .when_full = overflow::wait, .full_wait = 1h}, 1);
        REQUIRE(fire_and_forget(*pool, [] {}));
        std::vector<std::thread> callers;
        std::atomic<int> accepted{0};
        for (int i = 0; i < 4; ++i) {
            callers.emplace_back([&] { accepted += fire_and_forget(*pool, [] {}) ? 1 : 0; });
        }
        pool.let_go();
        for (std::thread& one : callers) {
            one.join();
        }
        CHECK(accepted == 4);
        CHECK(pool.finish().succeeded == 6);
    }
}

TEST_CASE("a caller who waits for room is refused when the pool closes") {
    for (int round = 0; round < load(100, 20); ++round) {
        heard_reports heard;
        frozen_pool pool({.max_pending = 1,
                          .when_full = overflow::wait,
                          .full_wait = 1h,
                          .on_error = heard.sink()});
        REQUIRE(fire_and_forget(*pool, [] {}));
        std::atomic<bool> is_there{false};
        refusal answer = refusal::none;
        std::thread caller([&] {
            is_there = true;
            answer = fire_and_forget(*pool, [] {}).why();
        });
        REQUIRE(eventually([&] { return is_there.load(); }));
        CHECK_FALSE(pool->shutdown(0s));
        caller.join();
        CHECK(answer == refusal::shutting_down);
    }
}

TEST_CASE("all callers who wait for room in line are refused when the pool closes") {
    for (int round = 0; round < load(50, 10); ++round) {
        heard_reports heard;
        frozen_pool pool({.max_pending = 1,
                          .when_full = overflow::wait,
                          .full_wait = 1h,
                          .on_error = heard.sink()});
        REQUIRE(fire_and_forget(*pool, [] {}));
        std::atomic<int> there{0};
        std::atomic<int> refused{0};
        std::vector<std::thread> callers;
        for (int i = 0; i < 4; ++i) {
            callers.emplace_back([&] {
                ++there;
                const refusal answer = fire_and_forget(*pool, [] {}).why();
                refused += answer == refusal::shutting_down ? 1 : 0;
            });
        }
        REQUIRE(eventually([&] { return there == 4; }));
        CHECK_FALSE(pool->shutdown(0s));
        for (std::thread& one : callers) {
            one.join();
        }
        CHECK(refused == 4);
    }
}

TEST_CASE("a task never waits for room in its own pool: it is refused at once") {
    heard_reports heard;
    frozen_pool pool(
        {.max_pending = 1, .when_full = overflow::wait, .full_wait = 1h, .on_error = heard.sink()},
        1);
    refusal first = refusal::none;
    refusal second = refusal::none;
    CHECK(fire_and_forget(*pool, [&] {
        first = fire_and_forget(*pool, [] {}).why();
        second = fire_and_forget(*pool, [] {}).why();
    }));
    const faf::stats end = pool.finish();
    CHECK(first == refusal::none);
    CHECK(second == refusal::queue_full);
    CHECK(end.refused == 1);
}

#if !defined(_WIN32) // which has no signals

faf::thread_pool* pool_of_handler = nullptr;
refusal answer_in_handler = refusal::none;

/// What is stored is interrupted by a signal half-way, every time.
struct interrupted_copy {
    interrupted_copy() = default;
    interrupted_copy(const interrupted_copy&) noexcept { std::raise(SIGUSR1); }
    interrupted_copy& operator=(const interrupted_copy&) = delete;
    ~interrupted_copy() = default;
    void operator()() const {}

    std::array<char, 8> content{};
};

TEST_CASE("a handler that interrupts a call with the last place does not wait for that place") {
    struct larger : interrupted_copy {
        std::array<char, 100> more{};
    };
    heard_reports heard;
    const auto before = std::signal(
        SIGUSR1, [](int) { answer_in_handler = fire_and_forget(*pool_of_handler, [] {}).why(); });
    {
        faf::thread_pool pool({.threads = 1,
                               .max_pending = 1,
                               .when_full = overflow::wait,
                               .full_wait = 1h,
                               .on_error = heard.sink()});
        pool_of_handler = &pool;
        const interrupted_copy in_slot;
        CHECK(fire_and_forget(pool, in_slot));
        CHECK(answer_in_handler == refusal::queue_full);
        answer_in_handler = refusal::none;
        const larger on_heap;
        CHECK(fire_and_forget(pool, on_heap)); // may wait for the first
        CHECK(answer_in_handler == refusal::queue_full);
        CHECK(pool.drain());
        CHECK(pool.snapshot().refused == 2);
    }
    static_cast<void>(std::signal(SIGUSR1, before));
}

#endif

/// Eight threads, some of whose tasks fire further tasks, at a pool with a limit.
void hammer(pool_options how) {
    constexpr std::uint64_t each = load(20'000, 1'000);
    heard_reports heard;
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> ran{0};
    how.threads = 2;
    how.max_threads = 2;
    how.starvation_after = std::chrono::nanoseconds(0);
    how.max_pending = most;
    how.on_error = heard.sink();
    thread_pool pool(how);
    const auto count = [&](faf::submission answer) { ++(answer ? accepted : refused); };
    const auto level = [](std::uint64_t n) { return static_cast<priority>(n % 3); };
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> too_many{0};
    std::thread observer([&] {
        while (!is_over) {
            // At the first moment at least so many waited, but for those that workers have taken
            // and not begun. (A snapshot shows what ends meanwhile as waiting.)
            const std::uint64_t accepted_before = accepted;
            const std::uint64_t gone_after = ran + heard.of(failure::displaced);
            too_many += accepted_before > gone_after + most + how.threads ? 1 : 0;
        }
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&] {
            for (std::uint64_t n = 0; n < each; ++n) {
                if (n % 16 == 0) {
                    count(fire_and_forget(pool, [&] {
                        ++ran;
                        count(fire_and_forget(pool, [&] { ++ran; }));
                        count(fire_and_forget(pool, [&] { ++ran; }));
                    }));
                } else if (n % 4 == 0) {
                    count(fire_and_forget(pool, {.priority = level(n / 4)}, [&] { ++ran; }));
                } else if (n % 64 == 3) {
                    count(fire_and_forget(pool, {.after = 1us}, [&] { ++ran; }));
                } else {
                    count(fire_and_forget(pool, [&] { ++ran; }));
                }
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(pool.drain(patience));
    is_over = true;
    observer.join();
    CHECK(too_many == 0);
    const faf::stats end = pool.snapshot();
    CHECK(end.accepted == accepted);
    CHECK(end.refused == refused);
    CHECK(end.succeeded == ran);
    CHECK(end.dropped == heard.of(failure::displaced));
    CHECK(heard.of(failure::refused) == refused);
    CHECK(end.accepted == end.succeeded + end.dropped);
    CHECK(end.pending + end.running == 0);
    CHECK(accepted > 0);
    if (how.when_full != overflow::drop_oldest) {
        CHECK(end.dropped == 0);
    }
    // All places are free again.
    std::atomic<bool> may_go{false};
    std::atomic<int> at_the_gate{0};
    for (int i = 0; i < 2; ++i) {
        REQUIRE(fire_and_forget(pool, [&] {
            ++at_the_gate;
            may_go.wait(false);
        }));
        REQUIRE(eventually([&] { return at_the_gate == i + 1; }));
    }
    for (std::uint64_t i = 0; i < most; ++i) {
        CHECK(fire_and_forget(pool, [] {}));
    }
    CHECK(pool.snapshot().pending == most);
    may_go = true;
    may_go.notify_all();
    CHECK(pool.drain(patience));
}

TEST_CASE("eight threads at a pool that refuses: counts are exact, never do more wait") {
    hammer({.when_full = overflow::refuse});
}

TEST_CASE("eight threads at a pool that drops the oldest: counts are exact, never do more wait") {
    hammer({.when_full = overflow::drop_oldest});
}

TEST_CASE("eight threads that run what finds no room: counts are exact, never do more wait") {
    hammer({.when_full = overflow::run_in_caller});
}

TEST_CASE("eight threads that wait for room: counts are exact, never do more wait") {
    hammer({.when_full = overflow::wait, .full_wait = patience});
}

TEST_CASE("a pool with a limit that is destroyed while callers run its tasks waits for them") {
    for (int round = 0; round < load(200, 30); ++round) {
        std::atomic<std::uint64_t> begun{0};
        std::atomic<std::uint64_t> ended{0};
        std::atomic<std::uint64_t> accepted{0};
        {
            thread_pool pool({.threads = 1,
                              .max_pending = 1,
                              .when_full = overflow::run_in_caller,
                              .exit_timeout = patience,
                              .on_error = [](const faf::error_report&) {}});
            std::vector<std::thread> callers;
            for (int t = 0; t < 3; ++t) {
                callers.emplace_back([&] {
                    for (int i = 0; i < 50; ++i) {
                        const bool is_accepted = bool(fire_and_forget(pool, [&] {
                            ++begun;
                            std::this_thread::yield();
                            ++ended;
                        }));
                        accepted += is_accepted ? 1 : 0;
                    }
                });
            }
            CHECK(pool.shutdown(patience));
            CHECK(begun == ended);
            for (std::thread& one : callers) {
                one.join();
            }
        }
        CHECK(ended == accepted);
    }
}

} // namespace
