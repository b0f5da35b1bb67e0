// SPDX-License-Identifier: MIT
// expect: its threads know it: keep it in a unique_ptr
#include <fire_and_forget/fire_and_forget.hpp>

#include <utility>

int main() {
    faf::thread_pool writers({.threads = 2});
    faf::thread_pool others(std::move(writers));
}
