// SPDX-License-Identifier: MIT
// expect: what is to be awaited has been made already: pass the function and its arguments, fire_and_forget(fn, args...), not fn(args...).
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

faf::task<> work(int) {
    co_return;
}

int main() {
    faf::fire_and_forget(work(1));
}
