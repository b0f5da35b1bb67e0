// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the callable can't be called with these arguments.
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget([](int) {}, "not a number");
}
