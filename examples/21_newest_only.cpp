// SPDX-License-Identifier: MIT
// Updates that make the ones before them worthless: of each key, only the newest waits.
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <latch>

int main() {
    faf::thread_pool pool({.threads = 1});
    faf::conflating_executor<int> latest(pool);
    std::latch screen_is_free(1);
    faf::fire_and_forget(pool, [&screen_is_free] { screen_is_free.wait(); });
    for (int price = 1; price <= 1000; ++price) {
        faf::fire_and_forget(latest[7], [price] { std::printf("the price is %d\n", price); });
    }
    screen_is_free.count_down();
    pool.drain(std::chrono::seconds(10));
    std::printf("%d were replaced\n", static_cast<int>(latest.replaced()));
}

// Prints:
//   the price is 1000
//   999 were replaced
