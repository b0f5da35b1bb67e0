// SPDX-License-Identifier: MIT
// expect: fire_and_forget: write it as fire_and_forget(executor, options, fn, args...), where the executor and the options may be left out.
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::thread_pool pool;
    faf::fire_and_forget(faf::options{.name = "task"}, pool, [] {});
}
