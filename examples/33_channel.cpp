// SPDX-License-Identifier: MIT
// Back-pressure between coroutines: who reads waits when four lines are on their way, and who works
// on them waits for a line. Neither holds a thread meanwhile.
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/sync_wait.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

using faf::fire_and_forget;
using namespace std::chrono_literals;

namespace {

faf::task<> read_lines(faf::channel<std::string>& to) {
    for (int i = 1; i <= 20; ++i) {
        co_await to.push("line " + std::to_string(i));
    }
    to.close();
}

faf::task<> work_on(faf::channel<std::string>& from, std::atomic<int>& lines,
                    faf::async_latch& done) {
    for (;;) {
        const std::optional<std::string> line = co_await from.pop();
        if (!line) {
            break;
        }
        co_await faf::sleep_for(1ms); // what takes its time
        ++lines;
    }
    done.count_down();
}

} // namespace

int main() {
    faf::channel<std::string> lines(4);
    faf::async_latch done(3);
    std::atomic<int> worked_on{0};

    for (int i = 0; i < 3; ++i) {
        fire_and_forget(work_on, std::ref(lines), std::ref(worked_on), std::ref(done));
    }
    fire_and_forget(read_lines, std::ref(lines));

    faf::sync_wait(done);
    std::printf("%d lines\n", worked_on.load());
}

// Prints:
//   20 lines
