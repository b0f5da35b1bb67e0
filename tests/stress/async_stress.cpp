// SPDX-License-Identifier: MIT
// Coroutines on real threads that wait for each other: what they wait for is lost by nobody, and is
// given to one, however they are stopped and whoever ends first.
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/async_semaphore.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

using faf::channel;
using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf_test::patience;
using namespace std::chrono_literals;

/// Each number that is pushed is to be popped once.
class ledger {
public:
    explicit ledger(int size)
        : seen_(new std::atomic<int>[static_cast<std::size_t>(size)] {}), size_(size) {}
    void note(int number) { ++seen_[static_cast<std::size_t>(number)]; }
    int count_of(int times) const {
        int many = 0;
        for (int i = 0; i < size_; ++i) {
            many += seen_[static_cast<std::size_t>(i)] == times ? 1 : 0;
        }
        return many;
    }

private:
    std::unique_ptr<std::atomic<int>[]> seen_;
    int size_;
};

faf::task<> pop_all(channel<int>& from, ledger& popped, faf::async_latch& done) {
    for (;;) {
        const std::optional<int> item = co_await from.pop();
        if (!item) {
            break;
        }
        popped.note(*item);
    }
    done.count_down();
}

faf::task<> push_all(channel<int>& to, int first, int end, faf::async_latch& done) {
    for (int i = first; i < end; ++i) {
        co_await to.push(i);
    }
    done.count_down();
}

} // namespace

TEST_CASE(
    "each item of a channel is popped once, between coroutines and threads, at any capacity") {
    constexpr int each = 4'000;
    for (const std::uint32_t capacity : {1U, 2U, 5U, 64U}) {
        channel<int> numbers(capacity);
        ledger popped(4 * each);
        faf::async_latch all_in(3);
        faf::async_latch all_out(3);
        faf::thread_pool first({.threads = 2});
        faf::thread_pool second({.threads = 1});
        for (int i = 0; i < 3; ++i) {
            fire_and_forget(i == 0 ? first : second, pop_all, std::ref(numbers), std::ref(popped),
                            std::ref(all_out));
            fire_and_forget(i == 0 ? second : first, push_all, std::ref(numbers), i * each,
                            (i + 1) * each, std::ref(all_in));
        }
        for (int i = 3 * each; i < 4 * each; ++i) {
            while (!numbers.try_push(i)) {
                if (const std::optional<int> other = numbers.try_pop(); other) {
                    popped.note(*other);
                }
            }
        }
        faf::sync_wait(all_in);
        CHECK(numbers.close());
        faf::sync_wait(all_out);
        CHECK(popped.count_of(1) == 4 * each);
    }
}

TEST_CASE("a channel that is closed under way gives all that it has taken") {
    constexpr int each = 500;
    for (int round = 0; round < 50; ++round) {
        channel<int> numbers(3);
        ledger popped(2 * each);
        std::atomic<int> taken{0};
        faf::async_latch all_in(2);
        faf::async_latch all_out(2);
        faf::thread_pool pool({.threads = 2});
        for (int i = 0; i < 2; ++i) {
            fire_and_forget(pool, pop_all, std::ref(numbers), std::ref(popped), std::ref(all_out));
            fire_and_forget(pool, [&, i]() -> faf::task<> {
                for (int k = i * each; k < (i + 1) * each; ++k) {
                    const bool is_in = co_await numbers.push(k);
                    taken += is_in ? 1 : 0;
                }
                all_in.count_down();
            });
        }
        while (taken < round * 10 + 1) {
            std::this_thread::yield();
        }
        numbers.close();
        faf::sync_wait(all_in);
        faf::sync_wait(all_out);
        CHECK(popped.count_of(1) == taken);
        CHECK(popped.count_of(0) == 2 * each - taken);
    }
}

#if defined(__cpp_lib_jthread)

TEST_CASE("waits that are stopped just when they are served lose no item, no permit and no lock") {
    constexpr int many = 1'000;
    channel<int> numbers(2);
    faf::async_semaphore semaphore(1);
    faf::async_mutex mutex;
    ledger popped(many);
    std::atomic<long> inside{0};
    std::atomic<int> overlaps{0};
    int guarded = 0;
    std::atomic<int> taken{0};
    faf::async_latch done(4);
    faf::thread_pool pool({.threads = 3});
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(pool, [&]() -> faf::task<> {
            for (bool is_over = false; !is_over;) {
                try {
                    // Its time is up at once, or nearly so.
                    const std::optional<int> item = co_await faf::with_timeout(numbers.pop(), 1us);
                    item ? popped.note(*item) : static_cast<void>(is_over = true);
                } catch (const faf::timed_out&) { // it has popped nothing
                }
                bool has_permit = true;
                try {
                    co_await faf::with_timeout(semaphore.acquire(), 1us);
                } catch (const faf::timed_out&) {
                    has_permit = false;
                }
                if (has_permit) {
                    overlaps += ++inside > 1 ? 1 : 0;
                    --inside;
                    semaphore.release();
                }
                try {
                    const auto lock = co_await faf::with_timeout(mutex.scoped_lock(), 1us);
                    ++guarded;
                } catch (const faf::timed_out&) { // nor locked
                }
            }
            done.count_down();
        });
    }
    fire_and_forget(pool, [&]() -> faf::task<> {
        for (int i = 0; i < many; ++i) {
            for (bool is_in = false; !is_in;) {
                try {
                    is_in = co_await faf::with_timeout(numbers.push(i), 1us);
                } catch (const faf::timed_out&) { // it is not in: once more
                }
            }
            ++taken;
        }
        numbers.close();
        done.count_down();
    });
    faf::sync_wait(done);
    CHECK(popped.count_of(1) == many);
    CHECK(overlaps == 0);
    CHECK(semaphore.available() == 1);
    CHECK(mutex.try_scoped_lock().owns_lock());
    CHECK(guarded >= 0);
}

TEST_CASE("pools that end while their coroutines wait for each other leave nobody behind") {
    error_recorder errors;
    for (int round = 0; round < 50; ++round) {
        channel<int> numbers(2);
        faf::async_mutex mutex;
        std::atomic<int> ended{0};
        struct at_end {
            std::atomic<int>& count;
            ~at_end() { ++count; }
        };
        {
            faf::thread_pool first({.threads = 2});
            faf::thread_pool second({.threads = 1});
            for (int i = 0; i < 8; ++i) {
                fire_and_forget(i % 2 == 0 ? first : second, [&, i]() -> faf::task<> {
                    const at_end noted{ended};
                    for (int k = 0; k < 1'000'000; ++k) {
                        if (i < 4) {
                            const auto lock = co_await mutex.scoped_lock();
                            co_await numbers.push(k);
                        } else {
                            static_cast<void>(co_await numbers.pop());
                            co_await faf::yield();
                        }
                    }
                });
            }
            for (int i = 0; i < round; ++i) {
                std::this_thread::yield();
            }
            second.shutdown(patience);
            first.shutdown(patience);
        }
        CHECK(ended == 8);
    }
}

#endif
