// SPDX-License-Identifier: MIT
// Go: go func(id int) { time.Sleep(time.Second); fmt.Println("worker", id, "done") }(i)

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

using namespace std::chrono_literals;

int main() {
    std::atomic<int> done = 0;
    for (int id = 0; id < 100; ++id) {
        faf::fire_and_forget([&done] {
            std::this_thread::sleep_for(1s); // the pool makes up for workers that are blocked
            ++done;
        });
    }
    std::puts("the main program goes on");
    faf::drain(20s); // Go's main would end without them
    std::printf("%d workers done\n", done.load());
}

// Prints:
//   the main program goes on
//   100 workers done
