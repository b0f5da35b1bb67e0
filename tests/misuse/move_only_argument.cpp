// SPDX-License-Identifier: MIT
// expect: fire_and_forget: an argument can't be copied: pass it with std::move.
#include <fire_and_forget/fire_and_forget.hpp>

#include <memory>

int main() {
    auto text = std::make_unique<int>(1);
    faf::fire_and_forget([](std::unique_ptr<int>) {}, text);
}
