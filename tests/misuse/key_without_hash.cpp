// SPDX-License-Identifier: MIT
// expect: the keys of a conflating_executor are hashed
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

struct instrument {
    int number;
    bool operator==(const instrument&) const = default;
};

int main() {
    faf::conflating_executor<instrument> latest(faf::default_pool());
    faf::fire_and_forget(latest[instrument{1}], [] {});
}
