// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a point in time does not say how long: write how far away it is, as in due - now.
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget({.after = std::chrono::steady_clock::now()}, [] {});
}
