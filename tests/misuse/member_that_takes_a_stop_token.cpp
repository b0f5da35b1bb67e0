// SPDX-License-Identifier: MIT
// expect: fire_and_forget: a pointer to a member is given no stop_token, as by std::jthread: pass a lambda that takes one and calls the member.
#include <fire_and_forget/fire_and_forget.hpp>

struct server {
    void serve(faf::detail::stop_token, int) {}
};

int main() {
    server here;
    faf::fire_and_forget(faf::own_thread, &server::serve, &here, 80);
}
