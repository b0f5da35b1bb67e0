// SPDX-License-Identifier: MIT
// A library that calls back becomes something to await: faf::completion. The coroutine goes on
// where it was, not on the thread of the callback.

#include <fire_and_forget/coroutine.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

/// As C libraries have it: calls `on_read` later, on a thread of their own.
void read_async(const char* file, void (*on_read)(void* context, int bytes), void* context) {
    std::thread([=] {
        std::this_thread::sleep_for(20ms);
        on_read(context, static_cast<int>(std::string(file).size()));
    }).detach();
}

faf::task<int> read(const char* file) {
    faf::completion<int> done; // it lives until it is completed: this coroutine awaits it
    const auto on_read = [](void* context, int bytes) {
        static_cast<faf::completion<int>*>(context)->complete(bytes);
    };
    read_async(file, on_read, &done);
    co_return co_await done;
}

int main() {
    faf::thread_pool readers({.threads = 1});
    faf::fire_and_forget(readers, []() -> faf::task<> {
        const int first = co_await read("readme");
        const int second = co_await read("licence");
        std::printf("%d and %d bytes\n", first, second);
    });
    readers.drain(); // waits for a coroutine, whatever that waits for
}

// Prints:
//   6 and 7 bytes
