// SPDX-License-Identifier: MIT
// Tasks for an object that may be gone when they come to run: faf::weak skips them then. Where the
// object can wait for its tasks instead, a task_scope is simpler (19_members.cpp).
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/weak.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using faf::fire_and_forget;

namespace {

struct session {
    explicit session(std::string n) : name(std::move(n)) {}
    void greet(const char* how) const { std::printf("%s, %s\n", how, name.c_str()); }
    std::string name;
};

} // namespace

int main() {
    faf::testing::manual_executor executor; // a pool whose time we have in hand
    auto ada = std::make_shared<session>("Ada");
    auto bob = std::make_shared<session>("Bob");

    fire_and_forget(executor, faf::weak(ada, &session::greet), "Hello");
    fire_and_forget(executor, {.every = 1min}, faf::weak(bob, [raw = bob.get()] {
                        raw->greet("Still here"); // while it runs, it has him
                    }));
    fire_and_forget(executor, {.after = 1h}, faf::weak(ada, &session::greet), "An hour later");

    executor.run_all();
    executor.advance(1min);
    bob.reset(); // nothing that waits keeps him
    ada.reset();
    executor.advance(2h);
    std::printf("%d left\n", static_cast<int>(executor.pending()));
}

// Prints:
//   Hello, Ada
//   Still here, Bob
//   Still here, Bob
//   0 left
