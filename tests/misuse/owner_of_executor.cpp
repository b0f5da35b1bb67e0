// SPDX-License-Identifier: MIT
// expect: fire_and_forget: pass the executor itself, not a pointer to it.
#include <fire_and_forget/fire_and_forget.hpp>

#include <memory>

int main() {
    const auto pool = std::make_unique<faf::thread_pool>();
    faf::fire_and_forget(pool, [] {});
}
