// SPDX-License-Identifier: MIT
// expect: coroutine called, when_all_succeed(f(x), g(y))
#include <fire_and_forget/when_all.hpp>

faf::task<> load();
faf::task<> save();

faf::task<> both() {
    co_await faf::when_all_succeed(load, save);
}
