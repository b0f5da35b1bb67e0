// SPDX-License-Identifier: MIT
// expect: fire_and_forget: sleep_until takes a time of std::chrono::steady_clock: with another clock, use sleep_for(due - now).
#include <fire_and_forget/coroutine.hpp>

#include <chrono>

faf::task<> wait() {
    co_await faf::sleep_until(std::chrono::system_clock::now() + std::chrono::seconds(1));
}

int main() {
    faf::fire_and_forget(wait);
}
