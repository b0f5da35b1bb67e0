// SPDX-License-Identifier: MIT
// What coroutines wait for in a queue: async_mutex, async_semaphore and async_latch.
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/async_semaphore.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::async_latch;
using faf::async_lock;
using faf::async_mutex;
using faf::async_semaphore;
using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::eventually;
using faf_test::patience;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<async_mutex> &&
              !std::is_copy_constructible_v<async_lock>);
static_assert(std::is_nothrow_move_constructible_v<async_lock>);
static_assert(sizeof(async_mutex) == 4 * sizeof(void*) &&
              sizeof(async_semaphore) == sizeof(async_mutex) &&
              sizeof(async_latch) == sizeof(async_mutex));

/// Holds it for a while, and notes when it has it.
faf::task<> hold(async_mutex& mutex, std::string& notes, char who, std::chrono::nanoseconds time) {
    const async_lock lock = co_await mutex.scoped_lock();
    notes += who;
    co_await faf::sleep_for(time);
}

/// Notes that it goes on, or that it was cancelled.
faf::task<> acquire(async_semaphore& from, std::string& notes, char who) {
    try {
        co_await from.acquire();
        notes += who;
    } catch (const faf::task_cancelled&) {
        notes += '-';
        throw;
    }
}

faf::task<> note_open(async_latch& latch, std::string& notes, char who) {
    co_await latch;
    notes += who;
}

} // namespace

// async_mutex -------------------------------------------------------------------------------------

TEST_CASE("an async_mutex that nobody has locked is locked without waiting, and by one at a time") {
    async_mutex mutex;
    async_lock first = mutex.try_scoped_lock();
    CHECK(first.owns_lock());
    CHECK_FALSE(mutex.try_scoped_lock());
    first.unlock();
    first.unlock();
    CHECK_FALSE(first.owns_lock());
    async_lock second = mutex.try_scoped_lock();
    CHECK(second);
    second = async_lock();
    CHECK(mutex.try_scoped_lock().owns_lock());
    CHECK(faf::sync_wait(mutex.scoped_lock()).owns_lock());
}

TEST_CASE("those who wait for an async_mutex have it one after the other, in the order they came") {
    manual_executor executor;
    async_mutex mutex;
    std::string notes;
    for (const char who : {'a', 'b', 'c', 'd'}) {
        fire_and_forget(executor, hold, std::ref(mutex), std::ref(notes), who, 1s);
    }
    executor.run_all();
    CHECK(notes == "a");
    executor.advance(1s);
    CHECK(notes == "ab");
    fire_and_forget(executor, hold, std::ref(mutex), std::ref(notes), 'e', 1s);
    executor.advance(3s);
    CHECK(notes == "abcde");
    executor.advance(1s);
    CHECK(mutex.try_scoped_lock());
}

TEST_CASE(
    "an async_lock that is moved holds the mutex, and one that is assigned to lets go of its") {
    async_mutex mutex;
    async_mutex other;
    async_lock first = mutex.try_scoped_lock();
    async_lock second = std::move(first);
    CHECK_FALSE(first.owns_lock());
    CHECK_FALSE(mutex.try_scoped_lock());
    second = other.try_scoped_lock();
    CHECK(mutex.try_scoped_lock());
    CHECK_FALSE(other.try_scoped_lock());
}

TEST_CASE("who waits for an async_mutex goes on where he was, not with who unlocks it") {
    faf::thread_pool pool({.threads = 1});
    faf_test::job_loop loop;
    async_mutex mutex;
    async_lock mine = mutex.try_scoped_lock();
    std::atomic<int> right{0};
    const auto foreign = [&](faf::job work) { loop.execute(std::move(work)); };
    fire_and_forget(foreign, [&]() -> faf::task<> {
        const async_lock lock = co_await mutex.scoped_lock();
        right += loop.runs_this_thread() ? 1 : 0;
    });
    faf::serial_executor serial(pool);
    fire_and_forget(serial, [&]() -> faf::task<> {
        const std::optional<faf::worker_info> before = faf::this_worker();
        const async_lock lock = co_await mutex.scoped_lock();
        right += before && faf::this_worker() ? 1 : 0;
    });
    fire_and_forget(faf::own_thread, [&]() -> faf::task<> {
        const async_lock lock = co_await mutex.scoped_lock();
        right += faf::this_worker() ? 0 : 1;
    });
    mine.unlock();
    CHECK(eventually([&] { return right == 3; }));
}

// async_semaphore ---------------------------------------------------------------------------------

TEST_CASE("a semaphore lets as many go on as it has permits, and then those who waited longest") {
    manual_executor executor;
    async_semaphore semaphore(2);
    std::string notes;
    for (const char who : {'a', 'b', 'c', 'd', 'e'}) {
        fire_and_forget(executor, acquire, std::ref(semaphore), std::ref(notes), who);
    }
    executor.run_all();
    CHECK(notes == "ab");
    CHECK(semaphore.available() == 0);
    CHECK_FALSE(semaphore.try_acquire());
    semaphore.release();
    CHECK_FALSE(semaphore.try_acquire());
    semaphore.release(3);
    executor.run_all();
    CHECK(notes == "abcde");
    CHECK(semaphore.available() == 1);
    CHECK(semaphore.try_acquire());
}

TEST_CASE("a semaphore that begins with none has them wait for the first release") {
    async_semaphore semaphore(0);
    std::thread other([&] { semaphore.release(); });
    faf::sync_wait(semaphore.acquire());
    other.join();
    CHECK(semaphore.available() == 0);
}

// async_latch -------------------------------------------------------------------------------------

TEST_CASE("a latch has all wait until it is counted down, and nobody after that") {
    manual_executor executor;
    async_latch latch(3);
    std::string notes;
    fire_and_forget(executor, note_open, std::ref(latch), std::ref(notes), 'a');
    fire_and_forget(executor, note_open, std::ref(latch), std::ref(notes), 'b');
    executor.run_all();
    latch.count_down();
    latch.count_down();
    executor.run_all();
    CHECK(notes.empty());
    CHECK_FALSE(latch.try_wait());
    latch.count_down();
    executor.run_all();
    CHECK(notes == "ab");
    fire_and_forget(executor, note_open, std::ref(latch), std::ref(notes), 'c');
    executor.run_all();
    CHECK(notes == "abc");
    CHECK(latch.try_wait());
}

TEST_CASE("a latch of none is open, and more than are left open it") {
    async_latch none(0);
    faf::sync_wait(none);
    async_latch some(2);
    some.count_down(5);
    faf::sync_wait(some);
    CHECK(some.try_wait());
}

// What ends a wait --------------------------------------------------------------------------------

#if defined(__cpp_lib_jthread)

TEST_CASE("a stop request ends a wait in a queue, and what comes then goes to the next") {
    manual_executor executor;
    error_recorder errors(faf::hears::cancelled_too);
    std::stop_source asked;
    async_semaphore semaphore(0);
    std::string notes;
    fire_and_forget(executor, {.stop = asked.get_token()}, acquire, std::ref(semaphore),
                    std::ref(notes), 'a');
    fire_and_forget(executor, acquire, std::ref(semaphore), std::ref(notes), 'b');
    executor.run_all();
    asked.request_stop();
    semaphore.release();
    executor.run_all();
    CHECK(notes == "-b");
    CHECK(executor.pending() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("who was served before the stop request goes on with what he got") {
    manual_executor executor;
    std::stop_source asked;
    async_semaphore semaphore(0);
    async_mutex mutex;
    async_lock mine = mutex.try_scoped_lock();
    std::string notes;
    fire_and_forget(executor, {.stop = asked.get_token()}, acquire, std::ref(semaphore),
                    std::ref(notes), 'a');
    fire_and_forget(executor, {.stop = asked.get_token()}, hold, std::ref(mutex), std::ref(notes),
                    'b', 0s);
    executor.run_all();
    semaphore.release();
    mine.unlock();
    asked.request_stop();
    executor.run_all();
    CHECK(notes == "ab");
    CHECK(mutex.try_scoped_lock());
}

TEST_CASE("who is asked to stop already gets what is there, and does not wait for what is not") {
    manual_executor executor;
    std::stop_source asked;
    async_semaphore semaphore(1);
    std::string notes;
    fire_and_forget(executor, {.stop = asked.get_token()}, [&]() -> faf::task<> {
        asked.request_stop();
        co_await acquire(semaphore, notes, 'a');
        co_await acquire(semaphore, notes, 'b');
    });
    executor.run_all();
    CHECK(notes == "a-");
    semaphore.release();
    CHECK(semaphore.available() == 1);
}

TEST_CASE("with_timeout ends a wait in a queue, and when_any that of who was not the first") {
    manual_executor executor;
    async_mutex mutex;
    async_semaphore semaphore(0);
    async_latch latch(1);
    async_lock mine = mutex.try_scoped_lock();
    std::string notes;
    fire_and_forget(executor, [&]() -> faf::task<> {
        try {
            static_cast<void>(co_await faf::with_timeout(mutex.scoped_lock(), 1s));
        } catch (const faf::timed_out&) {
            notes += 't';
        }
        const auto first = co_await faf::when_any(mutex.scoped_lock(), semaphore.acquire(), latch);
        notes += static_cast<char>('0' + first.index());
    });
    executor.advance(1s);
    CHECK(notes == "t");
    semaphore.release();
    executor.run_all();
    CHECK(notes == "t1");
    mine.unlock();
    CHECK(mutex.try_scoped_lock());
    CHECK(semaphore.available() == 0);
}

TEST_CASE("the end of its pool ends a wait in a queue, and counts it as cancelled") {
    error_recorder errors(faf::hears::cancelled_too);
    async_mutex mutex;
    async_lock mine = mutex.try_scoped_lock();
    async_semaphore semaphore(0);
    async_latch latch(1);
    std::string notes;
    {
        faf::thread_pool pool({.threads = 1});
        std::atomic<int> begun{0};
        fire_and_forget(pool,
                        [&]() -> faf::task<> { ++begun, co_await hold(mutex, notes, 'a', 0s); });
        fire_and_forget(pool,
                        [&]() -> faf::task<> { ++begun, co_await acquire(semaphore, notes, 'b'); });
        fire_and_forget(pool,
                        [&]() -> faf::task<> { ++begun, co_await note_open(latch, notes, 'c'); });
        CHECK(eventually([&] { return begun == 3 && pool.snapshot().running == 0; }));
        CHECK(pool.shutdown(patience));
        CHECK(pool.snapshot().cancelled == 3);
    }
    CHECK(notes == "-");
    CHECK(errors.count() == 3);
    mine.unlock();
    semaphore.release();
    latch.count_down();
    CHECK(mutex.try_scoped_lock());
    CHECK(semaphore.available() == 1);
}

TEST_CASE("a scope that is asked to stop ends the waits of its tasks") {
    manual_executor executor;
    async_semaphore semaphore(0);
    std::string notes;
    {
        faf::task_scope scope(executor);
        fire_and_forget(scope, acquire, std::ref(semaphore), std::ref(notes), 'a');
        executor.run_all();
        scope.request_stop();
        executor.run_all();
    }
    CHECK(notes == "-");
    CHECK(executor.pending() == 0);
}

#endif

TEST_CASE("a permit that somebody was given who is destroyed before he goes on is given on") {
    async_semaphore semaphore(0);
    async_mutex mutex;
    async_lock mine = mutex.try_scoped_lock();
    std::string notes;
    {
        error_recorder errors;
        manual_executor executor;
        fire_and_forget(executor, acquire, std::ref(semaphore), std::ref(notes), 'a');
        fire_and_forget(executor, hold, std::ref(mutex), std::ref(notes), 'b', 0s);
        fire_and_forget(executor, acquire, std::ref(semaphore), std::ref(notes), 'c');
        executor.run_all();
        semaphore.release();
        mine.unlock();
    }
    CHECK(notes.empty());
    CHECK(semaphore.available() == 1);
    CHECK(mutex.try_scoped_lock());
}
