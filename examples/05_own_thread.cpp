// SPDX-License-Identifier: MIT
// Work that blocks for long belongs on a thread of its own: it holds up nobody in the pool. Such
// threads are counted, so the end of the program and drain() wait for them, too.

#include <fire_and_forget/fire_and_forget.hpp>

#include <cstdio>
#include <future>
#include <string>

using faf::fire_and_forget;

int main() {
    std::promise<std::string> network;

    fire_and_forget(faf::own_thread, {.name = "receive"},
                    [message = network.get_future()]() mutable {
                        std::printf("received: %s\n", message.get().c_str()); // blocks
                    });

    network.set_value("42");
}

// Prints:
//   received: 42
