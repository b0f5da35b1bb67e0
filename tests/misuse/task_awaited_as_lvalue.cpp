// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a task is awaited as an rvalue: co_await std::move(it).
#include <fire_and_forget/coroutine.hpp>

faf::task<> inner() {
    co_return;
}

faf::task<> outer() {
    auto it = inner();
    co_await it;
}
