// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a plain number does not say how long: write 5s, or std::chrono::milliseconds(5).
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    return faf::drain(5) ? 0 : 1;
}
