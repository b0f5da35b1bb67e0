// SPDX-License-Identifier: MIT
// expect: fire_and_forget: faf::weak takes a std::shared_ptr or std::weak_ptr to the owner:
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/weak.hpp>

struct cache {
    void refresh() {
        faf::fire_and_forget(faf::weak(this, [this] { ++refreshed; }));
    }
    int refreshed = 0;
};

int main() {
    cache one;
    one.refresh();
}
