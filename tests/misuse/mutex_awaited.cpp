// SPDX-License-Identifier: MIT
// expect: const auto lock = co_await mutex.scoped_lock()
#include <fire_and_forget/async_mutex.hpp>

faf::task<> append(faf::async_mutex& mutex) {
    const auto lock = co_await mutex;
    static_cast<void>(lock);
}
