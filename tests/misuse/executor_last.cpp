// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the executor comes first: fire_and_forget(pool, fn, ...). To hand it to the callable, pass std::ref(pool).
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::thread_pool pool;
    faf::fire_and_forget([] {}, pool);
}
