// SPDX-License-Identifier: MIT
// expect: fire_and_forget: what is co_returned does not convert to the task's type, as it would have to for a `return`.
#include <fire_and_forget/coroutine.hpp>

#include <vector>

faf::task<std::vector<int>> five() {
    co_return 5;
}
