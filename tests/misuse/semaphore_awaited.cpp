// SPDX-License-Identifier: MIT
// expect: co_await semaphore.acquire()
#include <fire_and_forget/async_semaphore.hpp>

faf::task<> ask(faf::async_semaphore& connections) {
    co_await connections;
}
