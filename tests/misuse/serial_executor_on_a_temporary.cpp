// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a serial_executor keeps no executor alive: give it one that has a name.
#include <fire_and_forget/serial_executor.hpp>

int main() {
    faf::serial_executor serial(faf::inline_executor{});
}
