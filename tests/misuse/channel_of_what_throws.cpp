// SPDX-License-Identifier: MIT
// expect: fire_and_forget: moving an item of a channel may not throw, for it would be lost: give it a std::unique_ptr to one.
#include <fire_and_forget/channel.hpp>

struct thrower {
    thrower() = default;
    thrower(const thrower&) {}
};

int main() {
    faf::channel<thrower> items(4);
    static_cast<void>(items.capacity());
}
