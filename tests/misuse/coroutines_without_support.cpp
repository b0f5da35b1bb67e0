// SPDX-License-Identifier: MIT
// expect: fire_and_forget/coroutine.hpp needs coroutines: clang 14, or GCC 10 with -fcoroutines.
// flags: -U__cpp_impl_coroutine
#include <fire_and_forget/coroutine.hpp>

int main() {
    faf::fire_and_forget([] {});
}
