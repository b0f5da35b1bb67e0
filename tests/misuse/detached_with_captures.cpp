// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the captures of a lambda are gone as soon as this faf::detached waits: pass them as arguments, or fire a lambda that returns a faf::task.
#include <fire_and_forget/coroutine.hpp>

int main() {
    int captured = 1;
    faf::fire_and_forget([captured]() -> faf::detached {
        static_cast<void>(captured);
        co_return;
    });
}
