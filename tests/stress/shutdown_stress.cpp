// SPDX-License-Identifier: MIT
// Many threads fire while the pool closes: what was accepted ran or was reported, every time.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "rally.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::thread_pool;

constexpr int firing_threads = 8;

/// What became of the tasks of one round, counted from outside.
struct tally {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> ran{0};
    std::atomic<std::uint64_t> destroyed{0};
    std::array<std::atomic<std::uint64_t>, 10> reported{};

    void count(faf::submission answer) {
        (answer ? accepted : refused).fetch_add(1, std::memory_order_relaxed);
    }
    faf::error_sink sink() {
        return [this](const faf::error_report& report) {
            reported[static_cast<std::size_t>(report.kind)] += 1 + report.suppressed;
        };
    }
    std::uint64_t reported_as(failure kind) const {
        return reported[static_cast<std::size_t>(kind)];
    }

    void check(const faf::stats& of_pool) const {
        CHECK(accepted == ran + reported_as(failure::abandoned));
        CHECK(refused == reported_as(failure::refused));
        CHECK(of_pool.accepted == accepted);
        CHECK(of_pool.refused == refused);
        CHECK(of_pool.succeeded == ran);
        CHECK(of_pool.dropped == reported_as(failure::abandoned));
        CHECK(of_pool.failed == 0);
        CHECK(of_pool.pending == 0);
        CHECK(of_pool.running == 0);
    }
};

/// Runs and is destroyed once.
class unit_of_work {
public:
    explicit unit_of_work(tally& in) noexcept : tally_(&in) {}
    unit_of_work(unit_of_work&& other) noexcept : tally_(std::exchange(other.tally_, nullptr)) {}
    unit_of_work& operator=(unit_of_work) = delete;
    ~unit_of_work() {
        if (tally_ != nullptr) {
            // release: who has seen the last one may end the tally
            tally_->destroyed.fetch_add(1, std::memory_order_release);
        }
    }
    void operator()() const { tally_->ran.fetch_add(1, std::memory_order_relaxed); }

private:
    tally* tally_;
};

/// Threads that each fire `each` tasks, all beginning at once.
class firing_squad {
public:
    firing_squad(thread_pool& at, tally& in, std::uint64_t each) {
        for (int i = 0; i < firing_threads; ++i) {
            threads_.emplace_back([&at, &in, each, this] {
                has_begun_.wait(false);
                for (std::uint64_t n = 0; n < each; ++n) {
                    in.count(fire_and_forget(at, unit_of_work(in)));
                }
            });
        }
    }
    void begin() {
        has_begun_ = true;
        has_begun_.notify_all();
    }
    void join() {
        for (std::thread& one : threads_) {
            one.join();
        }
        threads_.clear();
    }

private:
    std::atomic<bool> has_begun_{false};
    std::vector<std::thread> threads_;
};

TEST_CASE("a pool shut down while eight threads fire loses no task") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    std::mt19937 random(seed);
    constexpr std::uint64_t each = load(100'000, 2'000);
    for (int round = 0; round < load(100, 30); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool({.threads = 2, .max_threads = 2, .on_error = counted.sink()});
        firing_squad squad(pool, counted, each);
        // The moment is a number of tasks, so that it is spread evenly on any machine. The fewer
        // there are the likelier they are, because refusals are quick.
        const std::uint64_t moment =
            std::uniform_int_distribution<std::uint64_t>(0, firing_threads * each / 4)(random);
        const auto timeout = std::chrono::microseconds(
            std::uniform_int_distribution<int>(0, round % 2 == 0 ? 0 : 20'000)(random));
        squad.begin();
        while (counted.accepted < moment) {
            std::this_thread::yield();
        }
        const bool finished = pool.shutdown(timeout);
        const faf::stats closed = pool.snapshot();
        squad.join();
        const faf::stats after = pool.snapshot();
        CHECK(finished == (counted.reported_as(failure::abandoned) == 0));
        CHECK(closed.accepted == after.accepted); // nothing is accepted once shutdown returns
        CHECK(closed.threads <=
              (finished ? 0U : 2U)); // one in a task that was written off may stay
        // A task that ran longer than the deadline was written off, and may have run to its end.
        const std::uint64_t both = counted.ran + counted.reported_as(failure::abandoned);
        CHECK(both >= counted.accepted);
        CHECK(both <= counted.accepted + 2);
        CHECK(counted.accepted + counted.refused == firing_threads * each);
        CHECK(counted.reported_as(failure::refused) == counted.refused);
        CHECK(after.accepted == counted.accepted);
        CHECK(after.refused == counted.refused);
        CHECK(after.dropped == counted.reported_as(failure::abandoned));
        CHECK(after.accepted == after.succeeded + after.dropped);
        CHECK(eventually([&] { return counted.destroyed == firing_threads * each; }));
    }
}

TEST_CASE("a pool shut down with time to finish runs all it has accepted") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    std::mt19937 random(seed);
    constexpr std::uint64_t each = load(10'000, 1'000);
    for (int round = 0; round < load(50, 10); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool({.on_error = counted.sink()});
        firing_squad squad(pool, counted, each);
        const std::uint64_t moment =
            std::uniform_int_distribution<std::uint64_t>(0, firing_threads * each)(random);
        squad.begin();
        while (counted.accepted < moment) {
            std::this_thread::yield();
        }
        CHECK(pool.shutdown(patience));
        squad.join();
        CHECK(counted.ran == counted.accepted);
        counted.check(pool.snapshot());
    }
}

TEST_CASE("a pool shut down with time to finish runs what others' tasks fire at it till the end") {
    thread_pool others({.threads = 1});
    for (int round = 0; round < load(300, 50); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool({.threads = 1, .on_error = counted.sink()});
        std::atomic<bool> has_begun{false};
        fire_and_forget(others, [&] { // a running task may fire at a pool that is closing
            faf::submission answer;
            do {
                answer = fire_and_forget(pool, unit_of_work(counted));
                counted.count(answer);
                has_begun = true;
                spin_for(std::chrono::microseconds(1 + round % 8)); // it is quiet for a moment
            } while (answer);
        });
        CHECK(eventually([&] { return has_begun.load(); }));
        CHECK(pool.shutdown(patience));
        CHECK(others.drain(patience));
        CHECK(counted.ran == counted.accepted);
        counted.check(pool.snapshot());
    }
}

TEST_CASE("a pool destroyed after the firing threads have ended runs or reports all tasks") {
    constexpr std::uint64_t each = load(20'000, 1'000);
    for (int round = 0; round < load(20, 10); ++round) {
        CAPTURE(round);
        tally counted;
        {
            std::optional<thread_pool> pool;
            pool.emplace(faf::pool_options{.threads = 2,
                                           .max_threads = 2,
                                           .exit_timeout = round % 2 == 0 ? patience : 0s,
                                           .on_error = counted.sink()});
            firing_squad squad(*pool, counted, each);
            squad.begin();
            squad.join();
        }
        CHECK(counted.refused == 0);
        CHECK(counted.accepted == firing_threads * each);
        // A written-off task may still be ending.
        CHECK(eventually([&] { return counted.destroyed == counted.accepted; }));
        const std::uint64_t both = counted.ran + counted.reported_as(failure::abandoned);
        CHECK(both >= counted.accepted);
        CHECK(both <= counted.accepted + 2);
        if (round % 2 == 0) {
            CHECK(counted.ran == counted.accepted);
        }
    }
}

TEST_CASE("the counters of a busy pool add up at every moment") {
    constexpr std::uint64_t each = load(50'000, 3'000);
    faf::error_sink silent = [](const faf::error_report&) {};
    thread_pool pool({.threads = 2, .max_threads = 2, .on_error = silent});
    std::atomic<bool> is_over{false};
    std::vector<std::thread> observers;
    std::atomic<std::uint64_t> seen{0};
    std::atomic<std::uint64_t> wrong{0};
    for (int i = 0; i < 2; ++i) {
        observers.emplace_back([&] {
            std::uint64_t accepted_before = 0;
            do { // once at least, however late it comes
                const faf::stats now = pool.snapshot();
                const std::uint64_t sum =
                    now.succeeded + now.failed + now.dropped + now.pending + now.running;
                wrong += now.accepted != sum || now.accepted < accepted_before ||
                                 now.running > now.threads || now.threads > 2
                             ? 1
                             : 0;
                accepted_before = now.accepted;
                ++seen;
            } while (!is_over);
        });
    }
    std::vector<std::thread> firing;
    for (int i = 0; i < firing_threads; ++i) {
        firing.emplace_back([&] {
            for (std::uint64_t n = 0; n < each; ++n) {
                if (n % 100 == 0) {
                    fire_and_forget(pool, [] { throw 1; });
                } else {
                    fire_and_forget(pool, [] {});
                }
            }
        });
    }
    for (std::thread& one : firing) {
        one.join();
    }
    pool.shutdown(0s);
    is_over = true;
    for (std::thread& one : observers) {
        one.join();
    }
    CHECK(seen > 0);
    CHECK(wrong == 0);
    const faf::stats end = pool.snapshot();
    CHECK(end.accepted == firing_threads * each);
    CHECK(end.accepted == end.succeeded + end.failed + end.dropped);
}

TEST_CASE("several threads may shut a pool down at once") {
    for (int round = 0; round < load(300, 50); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool({.threads = 2, .max_threads = 2, .on_error = counted.sink()});
        for (int i = 0; i < 200; ++i) {
            counted.count(fire_and_forget(pool, unit_of_work(counted)));
        }
        std::array<std::thread, 3> closers;
        std::atomic<int> finished{0};
        for (std::thread& closer : closers) {
            closer = std::thread([&] { finished += pool.shutdown(patience) ? 1 : 0; });
        }
        for (std::thread& closer : closers) {
            closer.join();
        }
        CHECK(finished == 3);
        CHECK(counted.ran == 200);
        CHECK(pool.snapshot().threads == 0);
        counted.check(pool.snapshot());
    }
}

TEST_CASE("drain is true only when nothing is left, while others go on firing") {
    tally counted;
    thread_pool pool({.threads = 2, .max_threads = 2, .on_error = counted.sink()});
    for (int round = 0; round < load(200, 30); ++round) {
        CAPTURE(round);
        firing_squad squad(pool, counted, 100);
        squad.begin();
        // What this thread fired before the drain has run after it.
        std::atomic<int> own{0};
        for (int i = 0; i < 10; ++i) {
            counted.count(fire_and_forget(pool, [&] { ++own; }));
        }
        CHECK(pool.drain(patience));
        CHECK(own == 10);
        squad.join();
        CHECK(pool.drain(patience));
        const faf::stats now = pool.snapshot();
        CHECK(now.pending + now.running == 0);
        CHECK(now.succeeded == counted.accepted);
    }
}

TEST_CASE("drain and shutdown from inside a task answer false and block nothing") {
    for (int round = 0; round < load(300, 50); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool(
            {.threads = 1 + static_cast<unsigned>(round % 2), .on_error = counted.sink()});
        std::atomic<int> answers{0};
        std::atomic<bool> is_fired{false};
        fire_and_forget(pool, [&] {
            is_fired.wait(false);
            answers += pool.drain(patience) ? 0 : 1;
            answers += pool.shutdown(patience) ? 0 : 10;
            // From inside, tasks may still be added.
            answers += fire_and_forget(pool, [&] { answers += 1000; }) ? 100 : 0;
        });
        for (int i = 0; i < 100; ++i) {
            counted.count(fire_and_forget(pool, unit_of_work(counted)));
        }
        is_fired = true;
        is_fired.notify_all();
        CHECK(pool.drain(patience));
        CHECK(answers == 1111);
        CHECK(counted.ran == 100);
        CHECK_FALSE(fire_and_forget(pool, [] {}));
        CHECK(pool.shutdown(patience));
    }
}

#if defined(__cpp_lib_jthread)

TEST_CASE("shutdown stops the tasks that take a stop_token") {
    for (int round = 0; round < load(200, 30); ++round) {
        CAPTURE(round);
        thread_pool pool({.threads = 2, .max_threads = 2});
        std::atomic<int> stopped{0};
        std::stop_source own;
        const auto until_stopped = [&](std::stop_token stop) {
            while (!stop.stop_requested()) {
                std::this_thread::yield();
            }
            ++stopped;
        };
        fire_and_forget(pool, until_stopped);
        fire_and_forget(pool, {.stop = own.get_token()}, until_stopped);
        fire_and_forget(pool, until_stopped); // starts when it is already to stop
        CHECK(pool.shutdown(patience));
        CHECK(stopped == 3);
    }
}

TEST_CASE("a task with a stop_token of its own stops for either") {
    thread_pool pool({.threads = 2, .max_threads = 2});
    for (int round = 0; round < load(500, 50); ++round) {
        std::stop_source own;
        std::atomic<bool> has_begun{false};
        std::atomic<bool> has_stopped{false};
        fire_and_forget(pool, {.stop = own.get_token()}, [&](std::stop_token stop) {
            has_begun = true;
            while (!stop.stop_requested()) {
                std::this_thread::yield();
            }
            has_stopped = true;
        });
        REQUIRE(eventually([&] { return has_begun.load(); }));
        own.request_stop();
        REQUIRE(eventually([&] { return has_stopped.load(); }));
        REQUIRE(pool.drain(patience));
    }
}

#endif

} // namespace
