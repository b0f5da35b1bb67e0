// SPDX-License-Identifier: MIT
// expect: an error sink is called with a report
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::fire_and_forget({.on_error = [] {}}, [] {});
}
