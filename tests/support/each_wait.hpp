// SPDX-License-Identifier: MIT
#pragma once

// A coroutine that waits in each way: for a time, for a turn, and for another thread.

#include <fire_and_forget/coroutine.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace faf_test {

/// Calls `look` four times, at its begin and after each wait.
template <class Look>
faf::task<> look_after_each_wait(Look& look, std::atomic<bool>& is_over) {
    look();
    co_await faf::sleep_for(std::chrono::milliseconds(1));
    look();
    co_await faf::yield();
    look();
    faf::completion<> done;
    std::thread([complete = done.completer()] { complete(); }).detach();
    co_await done;
    look();
    is_over = true;
}

} // namespace faf_test
