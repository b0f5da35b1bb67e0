// SPDX-License-Identifier: MIT
// expect: co_await faf::sleep_for(3s)
#include <fire_and_forget/coroutine.hpp>

#include <chrono>

int main() {
    faf::fire_and_forget([]() -> faf::task<> { co_await std::chrono::seconds(3); });
}
