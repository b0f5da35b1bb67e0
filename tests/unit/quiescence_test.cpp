// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/executor/quiescence.hpp>

#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <mutex>
#include <thread>

using namespace faf::detail;

TEST_CASE("who waits for quiet is told by who ends the last task without the mutex") {
    quiescence quiet;
    std::atomic<bool> is_quiet{false};
    std::atomic<bool> has_looked{false};
    std::thread waiting([&] {
        std::unique_lock lock(quiet.mutex());
        const quiescence::waiter entered(quiet);
        const steady_time end = deadline_after(faf_test::patience);
        for (slices wait; !is_quiet.load(std::memory_order_relaxed) && steady_clock::now() < end;) {
            has_looked = true;
            quiet.wait(wait, lock, end);
        }
    });
    CHECK(faf_test::eventually([&] { return has_looked.load(); }));
    is_quiet.store(true, std::memory_order_relaxed);
    quiet.tell();
    waiting.join();
    CHECK(is_quiet);
}

TEST_CASE("who tells waits for no thread that has stopped with the mutex") {
    quiescence quiet;
    const quiescence::waiter entered(quiet);
    const std::lock_guard stopped(quiet.mutex());
    std::thread telling([&] { quiet.tell(); });
    telling.join();
    SUCCEED();
}
