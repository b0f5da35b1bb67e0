// SPDX-License-Identifier: MIT
// expect: a channel is not awaited, but an item: const auto item = co_await channel.pop()
#include <fire_and_forget/channel.hpp>

faf::task<> read(faf::channel<int>& numbers) {
    const auto item = co_await numbers;
    static_cast<void>(item);
}
