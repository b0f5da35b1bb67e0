// SPDX-License-Identifier: MIT
// expect: fire_and_forget: an executor_ref keeps no executor alive: give it one that has a name.
#include <fire_and_forget/executor_ref.hpp>

int main() {
    faf::executor_ref on(faf::inline_executor{});
}
