// SPDX-License-Identifier: MIT
// expect: fire_and_forget: what the callable returns has to be awaited: include <fire_and_forget/coroutine.hpp> for that.
#include <fire_and_forget/fire_and_forget.hpp>

struct ready {
    static bool await_ready() { return true; }
    static void await_suspend(void*) {}
    static void await_resume() {}
};

int main() {
    faf::fire_and_forget([] { return ready(); });
}
