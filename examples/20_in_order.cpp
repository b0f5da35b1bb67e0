// SPDX-License-Identifier: MIT
// Tasks that share something without a lock: a serial executor runs them one after the other.
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>

#include <chrono>
#include <cstdio>

int main() {
    faf::thread_pool pool({.threads = 4});
    faf::serial_executor account(pool); // a pointer and 240 bytes, no thread
    int balance = 0;                    // neither locked nor atomic
    for (int deposit = 1; deposit <= 100; ++deposit) {
        faf::fire_and_forget(account, [&balance, deposit] { balance += deposit; });
    }
    faf::fire_and_forget(account, [&balance] { std::printf("the balance is %d\n", balance); });
    pool.drain(std::chrono::seconds(10));
}

// Prints:
//   the balance is 5050
