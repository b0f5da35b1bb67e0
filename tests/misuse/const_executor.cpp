// SPDX-License-Identifier: MIT
// expect: this one must not be const
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    const faf::thread_pool pool;
    faf::fire_and_forget(pool, [] {});
}
