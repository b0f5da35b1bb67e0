// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a conflating_executor keeps no executor alive: give it one that has a name.
#include <fire_and_forget/conflating_executor.hpp>

int main() {
    faf::conflating_executor<int> latest(faf::inline_executor{});
}
