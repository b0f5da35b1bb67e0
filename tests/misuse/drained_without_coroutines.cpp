// SPDX-License-Identifier: MIT
// expect: task_scope::drained() is for coroutines: include <fire_and_forget/coroutine.hpp> for that.
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

int main() {
    faf::task_scope scope;
    scope.drained();
}
