// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a coroutine can't end its repetition by what it returns: the next time may have come before. Use options::stop.
#include <fire_and_forget/coroutine.hpp>

int main() {
    faf::fire_and_forget({.every = std::chrono::seconds(1)},
                         []() -> faf::task<faf::repetition> { co_return faf::stop_repeating; });
}
