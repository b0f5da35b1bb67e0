// SPDX-License-Identifier: MIT
// The time of day jumps by days. This program's own clock_gettime stands before the real one; the
// linker finds it first.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

namespace {

std::atomic<long> seconds_ahead{0};

} // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    static const auto real =
        reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
    const int result = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        now->tv_sec += seconds_ahead;
    }
    return result;
}

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

constexpr long day = 24L * 60 * 60;

/// Makes the time of day jump forth and back while it lives.
class jumping_clock {
public:
    jumping_clock()
        : thread_([this] {
              for (int i = 0; !is_over_; ++i) {
                  constexpr long jumps[] = {day, -day, 0, 365 * day, -365 * day};
                  seconds_ahead = jumps[i % 5];
                  std::this_thread::sleep_for(500us);
              }
          }) {}
    ~jumping_clock() {
        is_over_ = true;
        thread_.join();
    }
    jumping_clock(const jumping_clock&) = delete;
    jumping_clock& operator=(const jumping_clock&) = delete;

private:
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

bool does_the_clock_jump() {
    const auto before = std::chrono::system_clock::now();
    seconds_ahead = day;
    const auto after = std::chrono::system_clock::now();
    seconds_ahead = 0;
    return after - before > 23h;
}

const child in_jumping_time("in jumping time", [](ledger& book) {
    static ledger& shared = book;
    CHECK(does_the_clock_jump());
    faf::set_error_sink(book.counting_sink());
    const jumping_clock meanwhile;
    faf::thread_pool pool({.threads = 2, .max_pending = 5000});
    for (std::size_t id = 0; id < 200; ++id) {
        const auto after = std::chrono::microseconds(500 * id);
        const auto not_before = std::chrono::steady_clock::now() + after;
        book.count(fire_and_forget(pool, {.after = after, .expires = 1h}, [id, not_before] {
            shared.notes[0] += std::chrono::steady_clock::now() < not_before ? 1 : 0;
            tracked(shared, id)();
        }));
        book.count(fire_and_forget(faf::own_thread, {.after = after}, tracked(book, 200 + id)));
    }
    std::atomic<int> runs{0};
    fire_and_forget(pool, {.every = 1ms},
                    [&] { return ++runs == 50 ? faf::stop_repeating : faf::keep_repeating; });
    CHECK(eventually([&] { return runs == 50; }));
    CHECK(pool.drain(patience));
    CHECK(faf::drain(patience));
    book.notes[1] = static_cast<long>(pool.snapshot().skipped);
    fire_and_forget({.after = 20ms}, tracked(book, 400)); // runs at exit
});

TEST_CASE("timers, periods and drains do not care for the time of day") {
    const outcome end = run(in_jumping_time);
    check_exit(end);
    CHECK(end->accepted == 400);
    CHECK(end->ran == 401);
    CHECK(end->notes[0] == 0);
    CHECK(end->notes[1] <
          1'000'000); // a period counted by the wrong clock leaves out more in a day
    CHECK(end.errors.empty());
}

const child waits_in_vain("waits in vain in jumping time", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    CHECK(does_the_clock_jump());
    const jumping_clock meanwhile;
    std::atomic<bool> may_end{false};
    std::atomic<bool> has_begun{false};
    faf::thread_pool pool({.threads = 1,
                           .max_pending = 1,
                           .when_full = faf::overflow::wait,
                           .full_wait = 30ms,
                           .starvation_after = 0s});
    fire_and_forget(pool, [&] {
        has_begun = true;
        may_end.wait(false);
    });
    CHECK(eventually([&] { return has_begun.load(); }));
    CHECK(fire_and_forget(pool, [] {}));
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 5; ++i) {
        CHECK_FALSE(fire_and_forget(pool, [] {}));
        CHECK_FALSE(pool.drain(30ms));
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took >= 10 * 30ms);
    CHECK(took < patience);
    may_end = true;
    may_end.notify_all();
    CHECK(pool.drain(patience));
});

TEST_CASE("who waits for room or for quiet waits as long as he said, whatever the time of day") {
    const outcome end = run(waits_in_vain);
    check_exit(end);
    CHECK(end->reports_of(failure::refused) == 5);
}

} // namespace
