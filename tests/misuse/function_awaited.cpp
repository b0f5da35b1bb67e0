// SPDX-License-Identifier: MIT
// expect: a function is not awaited, but what it returns: co_await f(x)
#include <fire_and_forget/coroutine.hpp>

faf::task<int> answer(int question);

faf::task<> ask() {
    const int found = co_await answer;
    static_cast<void>(found);
}
