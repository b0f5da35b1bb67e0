// SPDX-License-Identifier: MIT
// An observer of one's own: it takes along what belongs to the request that fires a task, and has
// it back around the task, so that the task's log lines name the request.

#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/observer.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>

using faf::fire_and_forget;
using namespace std::chrono_literals;

/// The number of the request that the code of this thread works for.
thread_local int request = 0;

class carries_request : public faf::task_observer {
public:
    /// Called in the call, on the thread of the caller: what it returns goes along with the task.
    void* fired(const faf::observed_task&) override {
        ++fired_;
        return new int(request);
    }

    void begin(const faf::observed_task&, void* context) override {
        request = *static_cast<int*>(context);
    }

    /// A coroutine that goes on later has run_result::suspended here, and begins again.
    void end(const faf::observed_task& task, void*, faf::run_result result) override {
        if (result == faf::run_result::failed || std::chrono::steady_clock::now() - task.due > 1h) {
            std::printf("[request %d] look at this one\n", request);
        }
        request = 0;
    }

    /// Nothing of the task is left, whether it has run or not.
    void gone(void* context) override { delete static_cast<int*>(context); }

    int count() const { return fired_; }

private:
    std::atomic<int> fired_ = 0;
};

void log_line(const char* text) {
    std::printf("[request %d] %s\n", request, text);
}

int main() {
    carries_request observer; // must outlive the pool
    faf::thread_pool pool({.threads = 1, .observer = &observer});
    pool.pause(); // so that the four tasks run in a known order
    for (request = 7; request < 9; ++request) {
        fire_and_forget(pool, [&pool] {
            log_line("is read");
            fire_and_forget(pool, [] { log_line("is answered"); });
        });
    }
    pool.resume();
    pool.drain();
    std::printf("%d tasks\n", observer.count());
}

// Prints:
//   [request 7] is read
//   [request 8] is read
//   [request 7] is answered
//   [request 8] is answered
//   4 tasks
