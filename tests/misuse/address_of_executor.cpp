// SPDX-License-Identifier: MIT
// expect: fire_and_forget: pass the executor itself, not a pointer to it.
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::thread_pool pool;
    faf::fire_and_forget(&pool, [] {});
}
