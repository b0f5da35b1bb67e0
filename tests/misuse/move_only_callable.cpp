// SPDX-License-Identifier: MIT
// expect: fire_and_forget: the callable can't be copied: pass it with std::move.
#include <fire_and_forget/fire_and_forget.hpp>

#include <memory>

int main() {
    auto work = [text = std::make_unique<int>(1)] {};
    faf::fire_and_forget(faf::own_thread, work);
}
