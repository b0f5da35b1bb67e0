// SPDX-License-Identifier: MIT
// expect: a hook is called with the worker whose thread it is
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    const faf::thread_pool pool({.on_thread_start = [] {}});
}
