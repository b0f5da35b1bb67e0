// SPDX-License-Identifier: MIT
// A class that fires, and neither is a template nor knows what on: in the program a pool, in its
// tests an executor that runs what it is told to. Its tasks are named by texts made at run time.

#include <fire_and_forget/copied_name.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

class cache {
public:
    explicit cache(faf::executor_ref on) : on_(on) {}

    void refresh(const std::string& key) {
        fire_and_forget(on_, {.name = faf::copied_name("refresh " + key), .after = 10ms},
                        [key] { throw std::runtime_error("no connection for " + key); });
    }

private:
    faf::executor_ref on_; // which must live as long
};

int main() {
    faf::testing::error_recorder errors;

    faf::testing::manual_executor manual;
    cache tested(manual);
    tested.refresh("prices");
    std::printf("before its time: %zu\n", errors.count());
    manual.advance(10ms);
    for (const faf::testing::recorded_error& error : errors.errors()) {
        std::printf("%s: %s\n", error.task.c_str(), error.what.c_str());
    }

    faf::thread_pool pool({.threads = 1});
    cache real(pool);
    real.refresh("orders");
    pool.drain();
    std::printf("in the end: %zu\n", errors.count());

    fire_and_forget(faf::inline_executor(), [] { std::puts("or here and now"); });
}

// Prints:
//   before its time: 0
//   refresh prices: no connection for prices
//   in the end: 2
//   or here and now
