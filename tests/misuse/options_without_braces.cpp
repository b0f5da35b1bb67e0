// SPDX-License-Identifier: MIT
// expect: fire_and_forget: options are named, in braces before the callable
#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>

int main() {
    faf::fire_and_forget(std::chrono::seconds(3), [] {});
}
