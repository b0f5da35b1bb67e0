// SPDX-License-Identifier: MIT
// Code that fires tasks is tested without threads and without sleeps: the test runs the tasks when
// it wants to, and sees every error. testing/catch2.cpp and testing/googletest.cpp show it with
// Catch2 and GoogleTest, and for code that names no executor.

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// The code under test takes its executor as a parameter.
template <faf::executor Executor>
void register_user(Executor& executor, std::vector<std::string>& outbox, const std::string& name) {
    fire_and_forget(executor, {.name = "welcome"}, [&outbox, name] {
        if (name.empty()) {
            throw std::invalid_argument("nobody to welcome");
        }
        outbox.push_back("Welcome, " + name);
    });
}

int main() {
    faf::testing::manual_executor executor;
    faf::testing::error_recorder errors;
    std::vector<std::string> outbox;

    register_user(executor, outbox, "Ada");
    register_user(executor, outbox, "");
    std::printf("%zu pending, %zu sent\n", executor.pending(), outbox.size());

    executor.run_one();
    std::printf("%zu pending, sent: %s\n", executor.pending(), outbox.at(0).c_str());

    executor.run_all();
    std::printf("%zu sent, %zu error: %s\n", outbox.size(), errors.count(),
                errors.errors().at(0).what.c_str());

    fire_and_forget(executor, {.after = 24h}, [&outbox] { outbox.push_back("How are you?"); });
    executor.advance(23h); // in no time
    std::printf("%zu pending\n", executor.pending());
    executor.advance(1h);
    std::printf("a day later, sent: %s\n", outbox.back().c_str());
}

// Prints:
//   2 pending, 0 sent
//   1 pending, sent: Welcome, Ada
//   1 sent, 1 error: nobody to welcome
//   1 pending
//   a day later, sent: How are you?
