// SPDX-License-Identifier: MIT
// expect: a channel is made with its capacity: faf::channel<T> items(100)
#include <fire_and_forget/channel.hpp>

int main() {
    faf::channel<int> numbers;
}
