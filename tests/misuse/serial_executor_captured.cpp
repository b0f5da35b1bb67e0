// SPDX-License-Identifier: MIT
// expect: refer to it, move it, or executor_ref(it)
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>

int main() {
    faf::serial_executor order(faf::default_pool());
    auto log = [order]() mutable { faf::fire_and_forget(order, [] {}); };
    log();
}
