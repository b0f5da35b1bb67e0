// SPDX-License-Identifier: MIT
// What the keeper does for pools, and that it does nothing when there is nothing to do.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "rally.hpp"
#include "task_mix.hpp"
#include "test_ward.hpp"

#include <fire_and_forget/detail/queue/thread_lanes.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <filesystem>
#include <unistd.h>
#endif

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;
using faf::detail::keeper;

class counting_ward final : private test_ward {
public:
    counting_ward() { enlist(); }
    ~counting_ward() { strike_off(); }
    counting_ward(const counting_ward&) = delete;
    counting_ward& operator=(const counting_ward&) = delete;

    void begin() {
        is_active_ = true;
        keeper::instance().notice_activity();
    }
    void end() { is_active_ = false; }
    long ticks() const { return ticks_; }

private:
    visit look_after(faf::detail::steady_time) override {
        ++ticks_;
        visit result;
        result.is_active = is_active_;
        return result;
    }

    std::atomic<bool> is_active_{false};
    std::atomic<long> ticks_{0};
};

/// No tick for a long time, by the keeper's measure.
bool is_left_alone(const counting_ward& one) {
    const long before = one.ticks();
    std::this_thread::sleep_for(100ms);
    return one.ticks() == before;
}

TEST_CASE("the keeper ticks as long as somebody works, then sleeps until somebody works again") {
    counting_ward busy;
    counting_ward idle;
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        const long before = idle.ticks();
        busy.begin();
        CHECK(eventually([&] { return idle.ticks() >= before + 10; }));
        busy.end();
        CHECK(eventually([&] { return is_left_alone(idle) && is_left_alone(busy); }));
    }
}

/// Idle for some ticks; in the last of them, when it has just said so, it gets something to do.
class hesitant_ward final : private test_ward {
public:
    explicit hesitant_ward(int idle_ticks) : left_(idle_ticks) { enlist(); }
    ~hesitant_ward() { strike_off(); }
    hesitant_ward(const hesitant_ward&) = delete;
    hesitant_ward& operator=(const hesitant_ward&) = delete;

    long ticks_at_work() const { return ticks_at_work_; }

private:
    visit look_after(faf::detail::steady_time) override {
        visit result;
        result.is_active = left_ == 0;
        ticks_at_work_ += result.is_active ? 1 : 0;
        if (left_ > 0 && --left_ == 0) {
            keeper::instance().notice_activity(); // it is not asleep yet
        }
        return result;
    }

    int left_;
    std::atomic<long> ticks_at_work_{0};
};

TEST_CASE("the keeper does not fall asleep over a ward that has just begun to work") {
    for (int idle_ticks = 1; idle_ticks <= 4; ++idle_ticks) { // after the fourth it goes to sleep
        CAPTURE(idle_ticks);
        counting_ward other;
        CHECK(eventually([&] { return is_left_alone(other); }));
        const hesitant_ward one(idle_ticks);
        other.begin();
        other.end();
        CHECK(eventually([&] { return one.ticks_at_work() > 3; }));
    }
}

TEST_CASE("wards come and go while the keeper ticks, and none is ticked when it is gone") {
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([] {
            for (int i = 0; i < load(20'000, 2'000); ++i) {
                const auto one = std::make_unique<counting_ward>();
                const auto two = std::make_unique<counting_ward>();
                one->begin();
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    counting_ward last;
    last.begin();
    CHECK(eventually([&] { return last.ticks() > 3; }));
}

TEST_CASE("who calls the keeper has it come, and it does not stay for that") {
    counting_ward other;
    other.begin(); // there is a keeper
    other.end();
    CHECK(eventually([&] { return is_left_alone(other); }));
    const long before = other.ticks();
    keeper::instance().call();
    CHECK(eventually([&] { return other.ticks() > before; }));
    CHECK(eventually([&] { return is_left_alone(other); }));
}

/// Its news came when it was about to end: too late for a visit.
class ending_ward final : public faf::detail::ward {
public:
    int asked() const { return asked_; }

private:
    visit look_after(faf::detail::steady_time) override { return {}; }
    bool has_news() const noexcept override { return true; }
    bool try_hold() noexcept override {
        ++asked_;
        return false;
    }
    void let_go() noexcept override {}

    std::atomic<int> asked_{0};
};

TEST_CASE("the keeper does not wait for a ward that can't be visited any more") {
    static ending_ward one;
    keeper::instance().enlist(one);
    {
        counting_ward other; // for whose visits the keeper would leave its lock
        other.begin();
        CHECK(eventually([&] { return one.asked() > 3; }));
    }
    static std::atomic<bool> is_gone{false};
    std::thread([] {
        keeper::instance().strike_off(one);
        is_gone = true;
    }).detach(); // it may wait for ever
    if (!eventually([] { return is_gone.load(); })) {
        FAIL_CHECK("the keeper kept its lock");
        std::_Exit(1); // what ends the program would wait, too
    }
}

/// Stores a task as a submit does that saw somebody awake and looking, who then left with another
/// task: nobody is rung for.
template <class Fn>
void store_in_silence(thread_pool& pool, Fn fn) {
    using namespace faf::detail;
    using stored = closure<Fn>;
    static_assert(sizeof(stored) <= 32 && std::is_nothrow_move_constructible_v<Fn>);
    const lane_of_this_thread own(core_access::of(pool).lanes(), faf::priority::normal);
    REQUIRE(own.get()->has_room());
    slot& place = own.get()->reserve();
    ::new (static_cast<void*>(place.closure)) stored(std::in_place, std::move(fn));
    place.where = faf::call_site::current();
    own.get()->publish(place, type_of<stored>);
}

TEST_CASE("a task that nobody was rung for is run though the others are kept by long ones") {
    for (unsigned threads = 2; threads <= 4; ++threads) {
        for (const bool are_hired : {false, true}) {
            CAPTURE(threads, are_hired);
            thread_pool pool({.threads = threads, .max_threads = threads});
            if (are_hired) {
                std::latch all_here(threads);
                for (unsigned i = 0; i < threads; ++i) {
                    fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
                }
                REQUIRE(pool.drain(patience));
                CHECK(pool.snapshot().threads == threads);
            }
            for (int round = 0; round < load(20, 5); ++round) {
                std::atomic<bool> has_begun{false};
                std::atomic<bool> may_end{false};
                fire_and_forget(pool, [&] {
                    has_begun = true;
                    may_end.wait(false);
                });
                REQUIRE(eventually([&] { return has_begun.load(); }));
                std::this_thread::sleep_for(1ms); // the others fall asleep again
                std::atomic<bool> has_run{false};
                store_in_silence(pool, [&has_run] { has_run = true; });
                CHECK(eventually([&] { return has_run.load(); }));
                may_end = true;
                may_end.notify_all();
                REQUIRE(pool.drain(patience));
            }
        }
    }
}

TEST_CASE("tasks that wait for a later one get through if there are workers enough") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    dice random(seed);
    for (const unsigned threads : {2U, 3U, 4U}) {
        CAPTURE(threads);
        thread_pool pool({.threads = threads, .max_threads = threads});
        for (int round = 0; round < load(3'000, 300); ++round) {
            CAPTURE(round);
            std::atomic<bool> is_over{false};
            std::atomic<unsigned> ended{0};
            const auto wait = [&] {
                is_over.wait(false);
                ++ended;
            };
            const auto free_them = [&] {
                is_over = true;
                is_over.notify_all();
                ++ended;
            };
            spin_for(std::chrono::nanoseconds(random.roll(100'000)));
            std::thread other; // its submits meet those of this thread
            if (round % 4 == 0) {
                other = std::thread([&] { fire_and_forget(pool, wait); });
            } else {
                fire_and_forget(pool, wait);
            }
            for (unsigned i = 2; i < threads; ++i) {
                spin_for(std::chrono::nanoseconds(random.roll(2'000)));
                fire_and_forget(pool, wait);
            }
            spin_for(std::chrono::nanoseconds(random.roll(2'000)));
            fire_and_forget(pool, free_them);
            REQUIRE(eventually([&] { return is_over.load(); }));
            if (other.joinable()) {
                other.join();
            }
            REQUIRE(very_soon([&] { return ended == threads; }));
        }
    }
}

#if defined(__linux__)

/// How often each thread of the process but this one has gone to sleep.
std::map<std::string, long> sleeps_by_thread() {
    std::map<std::string, long> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        const std::string id = entry.path().filename();
        if (id == std::to_string(::gettid())) {
            continue;
        }
        std::ifstream status(entry.path() / "status");
        for (std::string line; std::getline(status, line);) {
            constexpr std::string_view key = "voluntary_ctxt_switches:";
            if (line.compare(0, key.size(), key) == 0) {
                all[id] = std::stol(line.substr(key.size()));
            }
        }
    }
    return all;
}

/// For a second. On a busy machine it takes some time until all have gone to sleep.
bool nobody_wakes() {
    const std::map<std::string, long> before = sleeps_by_thread();
    std::this_thread::sleep_for(1s);
    return sleeps_by_thread() == before;
}

TEST_CASE("a program that has nothing to do has no wake-ups") {
    if (has_thread_sanitizer) {
        WARN("left out: ThreadSanitizer has a thread of its own, which wakes");
        return;
    }
    faf::configure_default_pool({.max_threads = 1}); // none that would leave later
    thread_pool pool({.threads = 3, .max_threads = 3});
    for (int i = 0; i < 10'000; ++i) {
        fire_and_forget(pool, [] {});
        fire_and_forget([] {});
    }
    REQUIRE(pool.drain(patience));
    REQUIRE(faf::drain(patience));
    CHECK(sleeps_by_thread().size() >= 3); // a worker of each pool, and the keeper
    CHECK(eventually(nobody_wakes));
}

TEST_CASE("a program whose timers have fired, and whose next is far away, has no wake-ups") {
    if (has_thread_sanitizer) {
        WARN("left out: ThreadSanitizer has a thread of its own, which wakes");
        return;
    }
    thread_pool pool({.threads = 2});
    std::atomic<int> runs{0};
    for (int i = 0; i < 2000; ++i) {
        fire_and_forget(pool, {.after = std::chrono::microseconds(10 * i)}, [&] { ++runs; });
    }
    for (int i = 1; i <= 5; ++i) {
        fire_and_forget(pool, {.every = i * 1ms}, [&runs, left = 10]() mutable {
            ++runs;
            return --left > 0 ? faf::keep_repeating : faf::stop_repeating;
        });
    }
    REQUIRE(eventually([&] { return runs == 2000 + 50; }));
    fire_and_forget(pool, {.every = 1h}, [] {});
    std::latch all_here(6); // it grows, and gives the threads back
    for (int i = 0; i < 6; ++i) {
        fire_and_forget(pool, [&] { all_here.arrive_and_wait(); });
    }
    REQUIRE(pool.drain(patience));
    REQUIRE(eventually([&] { return pool.snapshot().threads <= 2; }));
    CHECK(eventually(nobody_wakes));
}

#endif

} // namespace
