// SPDX-License-Identifier: MIT
// expect: fire_and_forget(latest[key], fn)
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

int main() {
    faf::conflating_executor<int> latest(faf::default_pool());
    faf::fire_and_forget(latest, [] {});
}
