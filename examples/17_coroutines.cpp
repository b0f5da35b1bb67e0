// SPDX-License-Identifier: MIT
// Coroutines wait without a thread: the programs of 15_as_in_node.cpp and 16_as_in_go.cpp once
// more. What is fired lives until its coroutine ends, with all that it captured.

#include <fire_and_forget/coroutine.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// Node.js: async function fetchData() { await later(3000); ... }
faf::task<std::string> fetch_data(int id) {
    co_await faf::sleep_for(300ms);
    if (id == 2) {
        throw std::runtime_error("no connection");
    }
    co_return "data " + std::to_string(id);
}

faf::task<> show(int id) {
    std::printf("got %s\n", (co_await fetch_data(id)).c_str());
}

int main() {
    faf::configure_default_pool({.threads = 2, .max_threads = 2});
    fire_and_forget({.name = "first"}, show, 1);
    fire_and_forget({.name = "second"}, show, 2); // throws: the sink hears of it
    faf::drain(20s);

    // Called instead of fired, this lambda and its name would be gone when it wakes up.
    fire_and_forget([name = std::string("Ada")]() -> faf::task<> {
        co_await faf::sleep_for(10ms);
        std::printf("%s is still here\n", name.c_str());
    });
    faf::drain(20s);

    // Go: for { go func() { time.Sleep(time.Second) ... }() }
    std::atomic<int> done = 0;
    for (int i = 0; i < 10'000; ++i) {
        fire_and_forget([&done]() -> faf::task<> {
            co_await faf::sleep_for(1s);
            ++done;
        });
    }
    faf::drain(60s);
    std::printf("%d done, on %d threads\n", done.load(), static_cast<int>(faf::snapshot().threads));
}

// Prints:
//   got data 1
//   Ada is still here
//   10000 done, on 2 threads
// On standard error:
//   [fire_and_forget] ... task "second" (17_coroutines.cpp:32 in main) failed: std::runtime_error: no connection
