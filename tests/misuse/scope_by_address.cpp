// SPDX-License-Identifier: MIT
// expect: fire_and_forget: pass the executor itself, not a pointer to it.
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

int main() {
    faf::task_scope scope;
    fire_and_forget(&scope, [] {});
}
