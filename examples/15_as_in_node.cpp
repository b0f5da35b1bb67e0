// SPDX-License-Identifier: MIT
// Node.js: new Promise(later => setTimeout(later, 3000)).then(fetchData).catch(console.error)

#include <fire_and_forget/fire_and_forget.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>

using namespace std::chrono_literals;

void fetch_data() {
    std::puts("fetching data");
    throw std::runtime_error("no connection");
}

int main() {
    faf::configure_default_pool({.exit_timeout = 20s});
    const auto log = [](const faf::error_report& report) {
        std::printf("caught: %s\n", faf::to_string(report).c_str());
    };
    faf::fire_and_forget({.after = 3s, .on_error = log}, fetch_data); // no thread waits meanwhile
    std::puts("the main program goes on");
}

// Prints:
//   the main program goes on
//   fetching data
//   caught: task (15_as_in_node.cpp:22 in main) failed: std::runtime_error: no connection
