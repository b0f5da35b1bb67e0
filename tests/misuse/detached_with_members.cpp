// SPDX-License-Identifier: MIT
// expect: fire_and_forget: nobody keeps the members that a faf::detached refers to: return a faf::task.
#include <fire_and_forget/coroutine.hpp>

struct counter {
    int member = 1;
    faf::detached operator()() {
        ++member;
        co_return;
    }
};

int main() {
    faf::fire_and_forget(counter());
}
