// SPDX-License-Identifier: MIT
// expect: this can't be awaited
#include <fire_and_forget/coroutine.hpp>

#include <future>
#include <utility>

faf::task<> ask(std::future<int> answer) {
    const int found = co_await std::move(answer);
    static_cast<void>(found);
}
