// SPDX-License-Identifier: MIT
// Where a coroutine goes on, and when: on another pool, after the others, at a time, in the thread
// that completes what it waits for, or not at all when it is asked to stop.

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <latch>
#include <string>
#include <thread>

using faf::fire_and_forget;
using namespace std::chrono_literals;

std::string here() {
    const auto worker = faf::this_worker();
    return worker ? std::string(worker->pool) : "no worker";
}

/// Starts itself on the default pool when it is called; its arguments are copied into it.
faf::detached greet(std::string name, std::latch& done) {
    co_await faf::yield(); // what is in the queue has its turn
    std::printf("hello, %s\n", name.c_str());
    done.count_down();
}

faf::task<> store(faf::thread_pool& readers, faf::thread_pool& writers) {
    std::printf("reads on %s\n", here().c_str());
    co_await faf::resume_on(writers);
    std::printf("writes on %s\n", here().c_str());
    co_await faf::sleep_until(std::chrono::steady_clock::now() + 5ms);
    co_await faf::resume_on(readers);
    std::printf("reads on %s again\n", here().c_str());
}

faf::task<> wait_for_callback() {
    faf::completion<int> done;
    std::thread([tell = done.completer()]() mutable {
        std::this_thread::sleep_for(20ms); // else there may be nothing to wait for
        tell(42);
    }).detach();
    const int answer = co_await done.in_place(); // goes on in that thread
    std::printf("%d, on %s\n", answer, here().c_str());
}

faf::task<> poll() {
    const auto stop = co_await faf::this_stop_token();
    try {
        co_await faf::sleep_for(1h);
    } catch (const faf::task_cancelled&) {
        std::printf("asked to stop: %s\n", stop.stop_requested() ? "yes" : "no");
        throw; // so that it counts as cancelled
    }
}

faf::task<> gather(faf::thread_pool& pool) {
    std::atomic<int> sum = 0;
    faf::task_scope parts(pool);
    for (int part = 1; part <= 3; ++part) {
        fire_and_forget(parts, [&sum, part] { sum += part; });
    }
    co_await parts.drained(); // without a thread
    std::printf("sum %d\n", sum.load());
}

int main() {
    std::latch greeted(1);
    greet("Ada", greeted);
    greeted.wait();

    faf::thread_pool writers({.threads = 1, .name = "writers"});
    faf::thread_pool readers({.threads = 1, .name = "readers"});
    fire_and_forget(readers, store, std::ref(readers), std::ref(writers));
    readers.drain();
    fire_and_forget(wait_for_callback);
    faf::drain();
    fire_and_forget(gather, std::ref(readers));
    faf::drain();
    fire_and_forget(readers, poll);
    readers.shutdown(10s); // ends its sleep at once
}

// Prints:
//   hello, Ada
//   reads on readers
//   writes on writers
//   reads on readers again
//   42, on no worker
//   sum 6
//   asked to stop: yes
