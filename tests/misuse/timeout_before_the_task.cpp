// SPDX-License-Identifier: MIT
// expect: write it as with_timeout(f(x), 200ms)
#include <fire_and_forget/when_all.hpp>

#include <chrono>

faf::task<int> load();

faf::task<int> load_soon() {
    co_return co_await faf::with_timeout(std::chrono::seconds(1), load());
}
