// SPDX-License-Identifier: MIT
// expect: fire_and_forget/coroutine.hpp needs C++20 coroutines (GCC 10: -fcoroutines).
// flags: -U__cpp_impl_coroutine
#include <fire_and_forget/coroutine.hpp>

int main() {
    faf::fire_and_forget([] {});
}
