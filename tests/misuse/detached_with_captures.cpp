// SPDX-License-Identifier: MIT
// expect: fire_and_forget: nobody keeps the captures of a faf::detached: return a faf::task, or call it yourself.
#include <fire_and_forget/coroutine.hpp>

int main() {
    int captured = 1;
    faf::fire_and_forget([captured]() -> faf::detached {
        static_cast<void>(captured);
        co_return;
    });
}
