// SPDX-License-Identifier: MIT
// expect: a serial_executor is not copied, for a copy would be an order of its own
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>

int main() {
    faf::serial_executor order(faf::default_pool());
    auto log = [order]() mutable { faf::fire_and_forget(order, [] {}); };
    log();
}
