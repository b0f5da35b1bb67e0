// SPDX-License-Identifier: MIT
// expect: an executor is not awaited: co_await faf::resume_on(it) goes on there
#include <fire_and_forget/coroutine.hpp>

int main() {
    faf::thread_pool pool;
    faf::fire_and_forget([&pool]() -> faf::task<> { co_await pool; });
}
