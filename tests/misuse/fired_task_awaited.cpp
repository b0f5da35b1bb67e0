// SPDX-License-Identifier: MIT
// expect: what is fired is not awaited: await the function itself, co_await f(x)
#include <fire_and_forget/coroutine.hpp>

void save();

faf::task<> save_and_wait() {
    co_await faf::fire_and_forget(save);
}
