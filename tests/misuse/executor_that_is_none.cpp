// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the callable can't be called with these arguments.
#include <fire_and_forget/fire_and_forget.hpp>

struct not_an_executor {};

int main() {
    faf::fire_and_forget(not_an_executor{}, [] {});
}
