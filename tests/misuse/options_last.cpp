// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the options come before the callable: fire_and_forget(options, fn, ...).
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget([] {}, faf::options{.name = "task"});
}
