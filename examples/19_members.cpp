// SPDX-License-Identifier: MIT
// Members that fire tasks: a task_scope as the last member waits for them, so they may capture
// this.
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using faf::fire_and_forget;

namespace {

class station {
public:
    station(std::string name, std::atomic<int>& sent) : name_(std::move(name)), sent_(sent) {
        fire_and_forget(tasks_, {.every = 1ms}, [this] { ++measured_; });
        fire_and_forget(tasks_, {.after = 1h}, [this] { std::puts(name_.c_str()); });
    }

    void send(int value) {
        fire_and_forget(tasks_, [this, value] { sent_ += value; });
    }

private:
    std::string name_;
    std::atomic<int> measured_{0};
    std::atomic<int>& sent_;
    faf::task_scope tasks_; // the last member: it is destroyed first, and waits
};

} // namespace

int main() {
    std::atomic<int> sent = 0;
    for (int i = 0; i < 3; ++i) {
        station one("station", sent);
        one.send(i + 1);
    } // ends what repeats, takes back what waits for its time, and lets the rest finish
    std::printf("sent %d\n", sent.load());

    faf::task_scope scope; // a set of tasks by itself, on the default pool
    for (int i = 0; i < 3; ++i) {
        fire_and_forget(scope, {.after = 1h}, [] { std::puts("not today"); });
    }
    std::printf("%d taken back\n", static_cast<int>(scope.cancel_pending()));
    std::puts(scope.drain() ? "all gone" : "some left");
}

// Prints:
//   sent 6
//   3 taken back
//   all gone
