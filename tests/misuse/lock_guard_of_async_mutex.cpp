// SPDX-License-Identifier: MIT
// expect: fire_and_forget: an async_mutex is locked by a coroutine: const auto lock = co_await mutex.scoped_lock()
#include <fire_and_forget/async_mutex.hpp>

#include <mutex>

int main() {
    faf::async_mutex mutex;
    const std::lock_guard lock(mutex);
}
