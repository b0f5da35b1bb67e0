// SPDX-License-Identifier: MIT
// expect: refer to it, move it, or executor_ref(it)
#include <fire_and_forget/serial_executor.hpp>

faf::serial_executor order_of(const faf::serial_executor& order) {
    return order;
}
