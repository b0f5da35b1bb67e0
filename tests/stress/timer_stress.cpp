// SPDX-License-Identifier: MIT
// Tasks that wait for their time, fired by many threads while pools are drained, closed and
// destroyed and while tasks are asked to stop: each runs or is reported, once.

#include "random_turns.hpp"

#include "catch.hpp"
#include "eventually.hpp"
#include "held_keeper.hpp"
#include "load.hpp"
#include "rally.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::thread_pool;

// The queue itself --------------------------------------------------------------------------------

struct sleeper : faf::detail::suspended {
    std::atomic<int> times_found{0};
    bool is_accepted = false;
};

TEST_CASE("what many threads push while a queue is closed and served is refused or found, once") {
    using namespace faf::detail;
    constexpr std::size_t each = load<std::size_t>(5'000, 500);
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (int round = 0; round < load(40, 10); ++round) {
        CAPTURE(round);
        timer_queue queue;
        std::array<std::deque<sleeper>, 3> sleepers;
        std::array<std::uint64_t, 3> accepted{};
        std::atomic<std::size_t> pushed{0};
        std::atomic<bool> is_over{false};
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < 3; ++t) {
            threads.emplace_back([&, t] {
                for (std::size_t i = 0; i < each; ++i) {
                    sleeper& one = sleepers[t].emplace_back();
                    one.is_resumption = true;
                    one.due = steady_time(std::chrono::nanoseconds(i % 7));
                    one.is_accepted = queue.push(one);
                    accepted[t] += one.is_accepted ? 1 : 0;
                    ++pushed;
                }
            });
        }
        const auto find = [](timer_node& item) {
            ++static_cast<sleeper&>(item).times_found;
            return true;
        };
        std::thread server([&] {
            while (!is_over) {
                queue.serve(steady_time(std::chrono::nanoseconds(3)), 100, find);
            }
        });
        const std::size_t moment = random.roll(3 * each);
        while (pushed < moment) {
            std::this_thread::yield();
        }
        queue.close();
        const std::uint64_t when_closed = queue.sleepers();
        for (std::thread& one : threads) {
            one.join();
        }
        is_over = true;
        server.join();
        for (timer_node* item = queue.take_if([](timer_node&) { return true; }); item != nullptr;) {
            find(*std::exchange(item, item->next));
        }
        CHECK(queue.sleepers() == accepted[0] + accepted[1] + accepted[2]);
        CHECK(queue.sleepers() <= when_closed); // a push that is refused is counted for a moment
        CHECK_FALSE(queue.has_awaited());
        CHECK_FALSE(queue.seems_used());
        std::uint64_t wrong = 0;
        for (const auto& of_thread : sleepers) {
            for (const sleeper& one : of_thread) {
                wrong += one.times_found != (one.is_accepted ? 1 : 0) ? 1 : 0;
            }
        }
        CHECK(wrong == 0);
    }
}

/// Counts as asked once its stop flag is up, like one with a stop_token.
struct watched_sleeper : sleeper {
    struct its_watch : faf::detail::watched {
        using watched::watched;
    };
    std::atomic<bool> is_asked{false};
    its_watch own_watch{*this};

    watched_sleeper() noexcept {
        is_resumption = true;
        watch = &own_watch;
        is_watched = true;
        static constexpr faf::detail::suspended_type asked{
            nullptr, nullptr, [](const suspended& one) {
                return static_cast<const watched_sleeper&>(one).is_asked.load();
            }};
        does = &asked;
    }
};

TEST_CASE("who is asked to stop before, while and after he is pushed is found once") {
    using namespace faf::detail;
    timer_queue queue;
    std::atomic<int> found{0};
    std::atomic<bool> is_over{false};
    std::thread server([&] {
        while (!is_over) {
            static_cast<void>(queue.serve(steady_time(), 1000, [&](timer_node& item) {
                ++static_cast<watched_sleeper&>(item).times_found;
                ++found; // the test may destroy it now
                return true;
            }));
        }
    });
    std::atomic<watched_sleeper*> to_be_asked{nullptr};
    std::thread asker([&] { // as the callback of a stop_token does
        while (!is_over) {
            if (watched_sleeper* const one = to_be_asked.load()) {
                one->is_asked = true;
                queue.ask(one->own_watch);
                to_be_asked = nullptr;
            } else {
                std::this_thread::yield();
            }
        }
    });
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (int round = 1; round <= load(5'000, 1'000); ++round) {
        watched_sleeper one;
        one.due = steady_time(round % 2 == 0 ? 1h : 0h); // which does not come, or has
        const std::uint32_t wait = random.roll(200);
        to_be_asked = &one;
        for (std::uint32_t i = 0; i < wait; ++i) {
            cpu_relax();
        }
        queue.push(one);
        if (one.is_asked) {
            queue.request_look();
        }
        const bool is_found = eventually([&] { return found == round; });
        while (to_be_asked.load() != nullptr) { // as the end of a stop_callback does
            std::this_thread::yield();
        }
        if (!is_found || one.times_found != 1 || queue.ask(one.own_watch)) {
            CAPTURE(round);
            FAIL_CHECK("it was not found, or twice, or is on the list still");
            break;
        }
    }
    is_over = true;
    server.join();
    asker.join();
}

// Pools -------------------------------------------------------------------------------------------

/// What became of tasks, counted by themselves and by a sink.
struct tally {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> ran{0};
    std::atomic<std::uint64_t> ran_twice{0};
    std::atomic<std::uint64_t> made{0};
    std::atomic<std::uint64_t> destroyed{0};
    std::atomic<std::uint64_t> early{0};
    std::array<std::atomic<std::uint64_t>, 10> reported{};

    faf::error_sink sink() {
        return {[this](const faf::error_report& report) {
                    reported[static_cast<std::size_t>(report.kind)] += 1 + report.suppressed;
                },
                faf::hears::cancelled_too};
    }
    std::uint64_t reported_as(failure kind) const {
        return reported[static_cast<std::size_t>(kind)];
    }
    std::uint64_t dropped() const {
        return reported_as(failure::abandoned) + reported_as(failure::cancelled) +
               reported_as(failure::expired);
    }
    void count(faf::submission answer) { ++(answer ? accepted : refused); }
};

/// A task that knows when it may start.
class timed_task {
public:
    timed_task(tally& in, std::chrono::nanoseconds after)
        : tally_(&in), not_before_(std::chrono::steady_clock::now() + after) {
        ++in.made;
    }
    timed_task(timed_task&& other) noexcept
        : tally_(std::exchange(other.tally_, nullptr)), not_before_(other.not_before_) {}
    timed_task& operator=(timed_task) = delete;
    ~timed_task() {
        if (tally_ != nullptr) {
            tally_->destroyed.fetch_add(1, std::memory_order_release);
        }
    }
    void operator()() {
        tally_->early += std::chrono::steady_clock::now() < not_before_ ? 1 : 0;
        tally_->ran_twice += std::exchange(has_run_, true) ? 1 : 0;
        ++tally_->ran;
    }

private:
    tally* tally_;
    std::chrono::steady_clock::time_point not_before_;
    bool has_run_ = false;
};

/// Fires one task with times that are sometimes kept and sometimes not.
template <class Executor>
void fire_some(Executor& at, tally& in, dice& random, const faf::options& base) {
    faf::options how = base;
    how.priority = static_cast<faf::priority>(random.roll(3));
    switch (random.roll(8)) {
    case 0:
        break;
    case 1:
        how.after = 1h;
        break;
    case 2:
        how.after = 1ns;
        how.expires = 1us;
        break;
    default:
        how.after = std::chrono::nanoseconds(random.roll(2'000'000));
        break;
    }
    in.count(fire_and_forget(at, how, timed_task(in, how.after)));
}

/// After the end of a pool: all adds up. Tasks that ran at the moment of the deadline were reported
/// as abandoned, and may have come to their end all the same.
void check_end(const tally& in, const faf::stats& end, std::uint64_t threads) {
    CHECK(end.accepted == in.accepted);
    CHECK(end.refused == in.refused);
    CHECK(end.pending + end.running == 0);
    CHECK(end.accepted == end.succeeded + end.failed + end.dropped);
    // One that is reported as cancelled or expired in that moment counts as abandoned alone.
    CHECK(end.dropped <= in.dropped());
    CHECK(end.dropped + threads >= in.dropped());
    CHECK(end.cancelled <= in.reported_as(failure::cancelled));
    CHECK(end.expired <= in.reported_as(failure::expired));
    CHECK(in.reported_as(failure::refused) == in.refused);
    CHECK(eventually([&] { return in.destroyed == in.made; }));
    CHECK(in.ran + in.dropped() >= in.accepted);
    CHECK(in.ran + in.dropped() <= in.accepted + threads);
    CHECK(in.ran_twice == 0);
    CHECK(in.early == 0);
}

TEST_CASE(
    "a task that is due, and that nobody has started, is reported when its pool is shut down") {
    tally counted;
    thread_pool pool({.threads = 1, .on_error = counted.sink()});
    const held_keeper nobody_starts_it;
    const auto due = std::chrono::steady_clock::now() + 2ms;
    REQUIRE(fire_and_forget(pool, {.after = 1ms}, [] {}));
    CHECK(eventually([&] { return std::chrono::steady_clock::now() > due; }));
    CHECK_FALSE(pool.shutdown(0s));
    CHECK(pool.snapshot().pending == 0);
    CHECK(counted.reported_as(failure::abandoned) == 1);
}

TEST_CASE("delayed tasks of many threads run or are reported, whenever their pool is closed") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    constexpr std::uint32_t each = load(1'000, 200);
    for (int round = 0; round < load(60, 15); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool({.threads = 2, .max_threads = 2, .on_error = counted.sink()});
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                dice own(seed + 10 * static_cast<unsigned>(round) + t);
                for (std::uint32_t i = 0; i < each; ++i) {
                    fire_some(pool, counted, own, {.name = "timed"});
                }
            });
        }
        const std::uint64_t moment = random.roll(4 * each);
        while (counted.accepted < moment) {
            std::this_thread::yield();
        }
        if (round % 3 == 0) {
            counted.count(fire_and_forget(pool, {.after = 1h}, timed_task(counted, 1h)));
            CHECK_FALSE(pool.drain(std::chrono::microseconds(random.roll(3'000))));
        }
        const auto timeout = std::chrono::microseconds(round % 2 == 0 ? 0 : random.roll(5'000));
        const bool is_finished = pool.shutdown(timeout);
        const faf::stats closed = pool.snapshot();
        for (std::thread& one : threads) {
            one.join();
        }
        const faf::stats end = pool.snapshot();
        CHECK(closed.accepted == end.accepted);
        CHECK(is_finished == (counted.reported_as(failure::abandoned) == 0));
        check_end(counted, end, 2);
    }
}

TEST_CASE("delayed tasks of a pool that is destroyed run or are reported") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    std::vector<std::thread> threads; // so that pools come and go while others are served
    std::array<tally, 3> counted;
    for (unsigned t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            dice random(seed + t);
            for (int round = 0; round < load(300, 40); ++round) {
                thread_pool pool({.threads = 1,
                                  .exit_timeout = std::chrono::microseconds(random.roll(1'000)),
                                  .on_error = counted[t].sink()});
                for (std::uint32_t i = random.roll(30); i > 0; --i) {
                    fire_some(pool, counted[t], random, {});
                }
                if (round % 4 == 0) {
                    fire_and_forget(pool, {.every = 10us}, [] {});
                }
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    for (const tally& of_thread : counted) {
        CHECK(of_thread.refused == 0);
        CHECK(eventually([&] { return of_thread.destroyed == of_thread.made; }));
        CHECK(of_thread.ran_twice == 0);
        CHECK(of_thread.early == 0);
        // What repeats is cancelled, and reported as such. So the sum may only be too high.
        CHECK(of_thread.ran + of_thread.dropped() >= of_thread.accepted);
        CHECK(of_thread.ran + of_thread.reported_as(failure::abandoned) +
                  of_thread.reported_as(failure::expired) <=
              of_thread.accepted + static_cast<std::uint64_t>(load(300, 40)));
    }
}

TEST_CASE("a drain that answers true has waited for the delayed tasks fired before") {
    tally counted;
    thread_pool pool({.threads = 2, .on_error = counted.sink()});
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> allowed{0};
    std::thread other([&] { // fires one after the other, and a few a round: so the pool gets quiet
        while (!is_over) {
            if (counted.accepted < allowed && counted.destroyed == counted.made) {
                counted.count(fire_and_forget(pool, {.after = 50us}, timed_task(counted, 50us)));
            } else {
                std::this_thread::yield();
            }
        }
    });
    for (int round = 0; round < load(300, 50); ++round) {
        allowed += 20;
        std::atomic<int> own{0};
        for (int i = 0; i < 10; ++i) {
            fire_and_forget(pool, {.after = std::chrono::microseconds(100 * i)},
                            [&] { fire_and_forget(pool, {.after = 1ns}, [&] { ++own; }); });
        }
        REQUIRE(pool.drain(patience));
        REQUIRE(own == 10);
    }
    is_over = true;
    other.join();
    CHECK(pool.drain(patience));
    CHECK(counted.ran == counted.accepted);
}

TEST_CASE("a drain that meets the end of a task waits for what that has delayed") {
    constexpr unsigned workers = 64; // so that counting takes long enough to be met
    thread_pool pool({.threads = workers});
    std::atomic<unsigned> arrived{0};
    for (unsigned i = 0; i < workers; ++i) {
        fire_and_forget(pool, [&] {
            ++arrived;
            static_cast<void>(eventually([&] { return arrived == workers; }));
        });
    }
    REQUIRE(pool.drain(patience));
    for (int round = 0; round < load(3'000, 300); ++round) {
        std::atomic<bool> has_begun{false};
        std::atomic<bool> has_run{false};
        fire_and_forget(pool, [&] {
            has_begun = true;
            fire_and_forget(pool, {.after = 300us}, [&] { has_run = true; });
        });
        while (!has_begun) { // not even a yield: it has to come in time
        }
        std::atomic<int> spent{0};
        while (spent < round * 7 % 400) {
            ++spent;
        }
        const bool is_drained = pool.drain(patience);
        const bool had_run = has_run;
        REQUIRE(eventually([&] { return has_run.load(); })); // it refers to what is here
        REQUIRE(is_drained);
        REQUIRE(had_run);
    }
}

TEST_CASE("delayed tasks of own_thread run once, with and without a thread of their own") {
    for (const std::size_t limit : {std::size_t{0}, std::size_t{2}, std::size_t{1024}}) {
        CAPTURE(limit);
        faf::limit_own_threads(limit);
        tally counted;
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 3; ++t) {
            threads.emplace_back([&, t] {
                dice random(t + 1);
                for (int i = 0; i < load(200, 50); ++i) {
                    const auto after = std::chrono::nanoseconds(random.roll(1'000'000));
                    counted.count(fire_and_forget(faf::own_thread, {.after = after},
                                                  timed_task(counted, after)));
                }
            });
        }
        for (std::thread& one : threads) {
            one.join();
        }
        CHECK(faf::drain(patience));
        CHECK(counted.accepted == 3U * load(200U, 50U));
        CHECK(counted.ran == counted.accepted);
        CHECK(counted.ran_twice == 0);
        CHECK(counted.early == 0);
        CHECK(counted.destroyed == counted.made);
    }
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a storm of stop requests settles each delayed task once, without waiting for its time") {
    constexpr std::size_t each = load<std::size_t>(2'000, 300);
    tally counted;
    thread_pool pool({.threads = 2, .on_error = counted.sink()});
    for (int round = 0; round < load(5, 3); ++round) {
        CAPTURE(round);
        std::vector<std::stop_source> sources(30);
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < 3; ++t) {
            threads.emplace_back([&, t] {
                dice random(t + 1);
                for (std::size_t i = 0; i < each; ++i) {
                    const std::stop_source& source = sources[random.roll(30)];
                    const auto after =
                        i % 4 == 0 ? std::chrono::nanoseconds(random.roll(1'000'000)) : 1h;
                    counted.count(fire_and_forget(pool,
                                                  {.after = after, .stop = source.get_token()},
                                                  timed_task(counted, after)));
                }
            });
        }
        threads.emplace_back([&] {
            for (std::stop_source& source : sources) {
                source.request_stop();
                std::this_thread::sleep_for(100us);
            }
        });
        for (std::thread& one : threads) {
            one.join();
        }
        REQUIRE(pool.drain(patience));
        CHECK(counted.ran + counted.reported_as(failure::cancelled) == counted.accepted);
    }
    CHECK(pool.shutdown(patience));
    check_end(counted, pool.snapshot(), 0);
}

/// Asks one source after the other to stop, each when it is told and has waited a little.
class stopper {
public:
    ~stopper() {
        is_over_ = true;
        thread_.join();
    }
    void stop(std::stop_source& source) { next_ = &source; }
    void await() const {
        while (next_ != nullptr) {
            std::this_thread::yield();
        }
    }

private:
    void live() {
        while (!is_over_) {
            if (std::stop_source* const source = next_) {
                source->request_stop();
                next_ = nullptr;
            } else {
                std::this_thread::yield();
            }
        }
    }

    std::atomic<std::stop_source*> next_{nullptr};
    std::atomic<bool> is_over_{false};
    std::thread thread_{&stopper::live, this};
};

TEST_CASE("what is fired or goes to sleep while its token is asked to stop does not wait") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    std::atomic<int> settled{0};
    const faf::error_sink note(
        [&](const faf::error_report& report) {
            settled += report.kind == failure::cancelled ? 1 : 0;
        },
        faf::hears::cancelled_too);
    thread_pool pool({.threads = 1, .on_error = note});
    stopper asker;
    const auto spin_a_little = [](std::uint32_t turns) {
        for (; turns > 0; --turns) {
            faf::detail::cpu_relax();
        }
    };
    for (int round = 1; round <= load(2'000, 300); ++round) {
        std::stop_source source;
        const std::uint32_t turns = random.roll(100);
        if (round % 2 == 0) {
            asker.stop(source);
            spin_a_little(turns);
            fire_and_forget(pool, {.after = 1h, .stop = source.get_token()}, [] {});
        } else {
            fire_and_forget(pool, {.stop = source.get_token()}, [&]() -> faf::task<> {
                asker.stop(source);
                spin_a_little(turns);
                co_await faf::sleep_for(1h);
            });
        }
        if (!eventually([&] { return settled == round; })) {
            CAPTURE(round);
            FAIL_CHECK("it waits for its time");
            break;
        }
        asker.await();
    }
}

TEST_CASE("stop requests race with the start of tasks, with the end of their pool and with both") {
    for (int round = 0; round < load(300, 50); ++round) {
        tally counted;
        std::stop_source source;
        std::thread stopper;
        {
            thread_pool pool({.threads = 1, .exit_timeout = 0s, .on_error = counted.sink()});
            stopper = std::thread([&] { source.request_stop(); });
            for (int i = 0; i < 20; ++i) {
                counted.count(fire_and_forget(pool, {.after = 10us, .stop = source.get_token()},
                                              timed_task(counted, 10us)));
            }
        }
        stopper.join();
        REQUIRE(eventually([&] { return counted.destroyed == counted.made; }));
        REQUIRE(counted.ran + counted.dropped() >= counted.accepted);
        REQUIRE(counted.ran + counted.dropped() <= counted.accepted + 1);
    }
}

#endif

// Again and again ---------------------------------------------------------------------------------

/// A task that repeats, and knows what must not happen to it.
struct repeater {
    std::chrono::nanoseconds every;
    int most;
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    std::atomic<int> runs{0};
    std::atomic<int> overlaps{0};
    std::atomic<int> early{0};
    std::atomic<bool> is_running{false};
    std::atomic<bool> has_ended{false};

    repeater(std::chrono::nanoseconds period, int times) : every(period), most(times) {}

    faf::repetition run() {
        overlaps += is_running.exchange(true) ? 1 : 0;
        const int run = runs++;
        early += std::chrono::steady_clock::now() < begin + run * every ? 1 : 0;
        is_running = false;
        if (run + 1 < most) {
            return faf::keep_repeating;
        }
        has_ended = true;
        return faf::stop_repeating;
    }
};

template <class Executor>
void repeat_on(Executor& at) {
    std::deque<repeater> all; // they stay where they are
    for (int i = 1; i <= 20; ++i) {
        repeater& one = all.emplace_back(std::chrono::microseconds(100 * i), load(50, 20));
        CHECK(fire_and_forget(at, {.every = one.every}, &repeater::run, &one));
    }
    for (const repeater& one : all) {
        CHECK(eventually([&] { return one.has_ended.load(); }));
    }
    std::this_thread::sleep_for(5ms); // more than their periods
    for (const repeater& one : all) {
        CHECK(one.runs == one.most);
        CHECK(one.overlaps == 0);
        CHECK(one.early == 0);
    }
}

TEST_CASE("tasks that repeat on a pool run neither early nor beside themselves, until they end") {
    thread_pool pool({.threads = 2});
    repeat_on(pool);
    CHECK(pool.shutdown(patience));
    const faf::stats end = pool.snapshot();
    CHECK(end.succeeded == 20 * load(50U, 20U));
    CHECK(end.accepted == end.succeeded);
}

TEST_CASE("tasks that repeat on own_thread run neither early nor beside themselves") {
    faf::limit_own_threads(1024);
    repeat_on(faf::own_thread);
    faf::limit_own_threads(5);
    repeat_on(faf::own_thread);
    faf::limit_own_threads(1024);
}

TEST_CASE(
    "a task that repeats is late, but not later each time: with those left out it keeps phase") {
    thread_pool pool({.threads = 1});
    constexpr auto every = 200us;
    std::atomic<bool> has_ended{false};
    std::chrono::steady_clock::time_point last;
    int runs = 0;
    const auto begin = std::chrono::steady_clock::now();
    fire_and_forget(pool, {.every = every}, [&] {
        last = std::chrono::steady_clock::now();
        spin_for(runs % 10 == 0 ? 500us : 10us);
        if (++runs < 100) {
            return faf::keep_repeating;
        }
        has_ended = true;
        return faf::stop_repeating;
    });
    REQUIRE(eventually([&] { return has_ended.load(); }));
    CHECK(pool.shutdown(patience));
    const faf::stats end = pool.snapshot();
    CHECK(end.succeeded == 100);
    CHECK(end.skipped >= 10);
    // Each run has its time, and none comes early: so only times that had passed were left out.
    CHECK(begin + (99 + static_cast<int>(end.skipped)) * every <= last);
}

TEST_CASE("pools are drained and closed while their tasks repeat; these do not hold them up") {
    for (int round = 0; round < load(100, 20); ++round) {
        CAPTURE(round);
        tally counted;
        thread_pool pool({.threads = 2, .on_error = counted.sink()});
        std::atomic<std::uint64_t> runs{0};
        for (int i = 0; i < 10; ++i) {
            CHECK(fire_and_forget(pool, {.every = std::chrono::microseconds(10 + i)},
                                  [&runs] { ++runs; }));
        }
        std::atomic<bool> has_run{false};
        fire_and_forget(pool, {.after = 1ms}, [&] { has_run = true; });
        while (!has_run) { // a drain may meet a moment in which none of them runs
            static_cast<void>(pool.drain(patience));
        }
        CHECK(pool.shutdown(patience));
        const faf::stats end = pool.snapshot();
        CHECK(end.succeeded == runs + 1);
        CHECK(end.dropped == end.cancelled);
        CHECK(end.cancelled == counted.reported_as(failure::cancelled));
        CHECK(end.accepted == end.succeeded + end.dropped);
        CHECK(counted.reported_as(failure::abandoned) == 0);
    }
}

} // namespace
