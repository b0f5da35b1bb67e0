// SPDX-License-Identifier: MIT
// Coroutines that wait for each other: one at a time, a few at a time, until all have come.
// Ordinary code tries, and does not wait.
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/async_semaphore.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/sync_wait.hpp>

#include <chrono>
#include <cstdio>

using faf::fire_and_forget;
using namespace std::chrono_literals;

int main() {
    faf::async_mutex mutex;
    faf::async_semaphore seats(2);
    faf::async_latch all_have_eaten(5);
    int meals = 0;

    for (int guest = 0; guest < 5; ++guest) {
        fire_and_forget([&]() -> faf::task<> {
            co_await seats.acquire(); // two at a time
            co_await faf::sleep_for(1ms);
            {
                const faf::async_lock lock = co_await mutex.scoped_lock(); // one at a time
                ++meals;
            }
            seats.release();
            all_have_eaten.count_down();
        });
    }
    faf::sync_wait(all_have_eaten);
    std::printf("%d meals\n", meals);
    std::printf("all %s, a seat is %s\n", all_have_eaten.try_wait() ? "have eaten" : "are hungry",
                seats.try_acquire() ? "free" : "taken");
    std::printf("%d more is left\n", static_cast<int>(seats.available()));

    faf::async_lock lock = mutex.try_scoped_lock();
    const bool is_free = mutex.try_scoped_lock().owns_lock();
    lock.unlock();
    std::printf("locked, it is %s\n", is_free ? "free" : "not free");

    faf::channel<int> numbers(1);
    const bool first = numbers.try_push(7);
    const bool second = numbers.try_push(8);
    std::printf("of two, %d fits: %d\n", (first ? 1 : 0) + (second ? 1 : 0),
                numbers.try_pop().value_or(0));
    numbers.close();
    std::printf("%s, with room for %zu\n", numbers.is_closed() ? "closed" : "open",
                numbers.capacity());
}

// Prints:
//   5 meals
//   all have eaten, a seat is free
//   1 more is left
//   locked, it is not free
//   of two, 1 fits: 7
//   closed, with room for 1
