// SPDX-License-Identifier: MIT
// The task owns copies of its arguments: what the caller does to its own afterwards does not
// matter. Move-only arguments are moved, std::ref shares.

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

using faf::fire_and_forget;
using namespace std::chrono_literals;

struct counter {
    int value = 0;
    void add(int amount) { value += amount; }
};

void greet(const std::string& name, int times) {
    std::printf("Hello, %s, for the %dth time\n", name.c_str(), times);
}

int main() {
    faf::configure_default_pool({.threads = 1}); // one worker: the tasks run in the order fired

    std::string name = "Ada";
    fire_and_forget(greet, name, 4);
    name = "somebody else"; // too late to change the task's copy

    auto letter = std::make_unique<std::string>("a letter");
    fire_and_forget([](std::unique_ptr<std::string> it) { std::printf("sent %s\n", it->c_str()); },
                    std::move(letter));

    counter visits;
    fire_and_forget(&counter::add, std::ref(visits), 2); // a member function of a shared object
    fire_and_forget(&counter::add, &visits, 40);         // the same by pointer
    faf::drain(10s);                                     // before visits is read
    std::printf("%d visits\n", visits.value);
}

// Prints:
//   Hello, Ada, for the 4th time
//   sent a letter
//   42 visits
