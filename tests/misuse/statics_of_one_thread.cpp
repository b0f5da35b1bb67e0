// SPDX-License-Identifier: MIT
// expect: fire_and_forget starts threads: compile without -fno-threadsafe-statics.
// flags: -fno-threadsafe-statics
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget([] {});
}
