// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a name is not copied, so it has to be a literal, a faf::literal, or faf::literal::from_static(x) if x lives for ever, or faf::copied_name(x), which copies it.
#include <fire_and_forget/fire_and_forget.hpp>

#include <string>

int main() {
    const std::string name = "order " + std::to_string(17);
    faf::fire_and_forget(faf::own_thread, {.name = name.c_str()}, [] {});
}
