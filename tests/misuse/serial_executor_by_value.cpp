// SPDX-License-Identifier: MIT
// expect: a serial_executor is not copied, for a copy would be an order of its own
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>

void log_to(faf::serial_executor order);

int main() {
    faf::serial_executor order(faf::default_pool());
    log_to(order);
}
