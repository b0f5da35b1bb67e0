// SPDX-License-Identifier: MIT
// expect: refer to it, or by faf::executor_ref(it)
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::thread_pool writers({.threads = 2});
    auto save = [writers]() mutable { faf::fire_and_forget(writers, [] {}); };
    save();
}
