// SPDX-License-Identifier: MIT
// expect: a thread_pool is not copied: refer to it
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::thread_pool writers({.threads = 2});
    auto save = [writers]() mutable { faf::fire_and_forget(writers, [] {}); };
    save();
}
