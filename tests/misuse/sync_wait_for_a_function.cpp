// SPDX-License-Identifier: MIT
// expect: what is given to sync_wait has to be awaitable: a coroutine called, sync_wait(f(x))
#include <fire_and_forget/sync_wait.hpp>

faf::task<int> answer();

int main() {
    return faf::sync_wait(answer);
}
