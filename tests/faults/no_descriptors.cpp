// SPDX-License-Identifier: MIT
// A process that may open no further file: so nobody can read from /proc what its threads do.

#include "child.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <latch>
#include <thread>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

namespace {

/// Whether the clocks of threads say that these have a processor all the time, whatever else runs
/// on this machine.
std::atomic<bool> are_undisturbed{false};

} // namespace

/// This program's own clock_gettime stands before the real one; the linker finds it first.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    static const auto real =
        reinterpret_cast<int (*)(clockid_t, timespec*)>(dlsym(RTLD_NEXT, "clock_gettime"));
    const bool is_of_a_thread = clock < 0;
    return real(is_of_a_thread && are_undisturbed ? CLOCK_MONOTONIC : clock, now);
}

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;

constexpr long most_threads = 0; ///< the notes in the ledger

void use_up_descriptors() {
    const rlimit limit{128, 128};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (open("/dev/null", O_RDONLY) >= 0) {
    }
}

bool is_left_out() {
    if (has_address_sanitizer) {
        WARN("left out: sanitizers need descriptors of their own for what they check");
    }
    return has_address_sanitizer;
}

void compute_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

const child only_computes("only computes", [](ledger& book) {
    thread_pool pool({.threads = 2});
    fire_and_forget(pool, [] {});
    CHECK(pool.drain(patience));
    use_up_descriptors();
    are_undisturbed = true;
    std::atomic<int> left{60};
    for (int i = 0; i < 60; ++i) {
        fire_and_forget(pool, [&] {
            compute_for(60ms);
            --left;
        });
    }
    std::size_t most = 0;
    while (left > 0) {
        most = std::max(most, pool.snapshot().threads);
        std::this_thread::sleep_for(1ms);
    }
    book.notes[most_threads] = static_cast<long>(most);
    CHECK(pool.shutdown(patience));
});

TEST_CASE("tasks that compute do not make a pool grow where it can't see what its threads do") {
    if (is_left_out()) {
        return;
    }
    const outcome end = run(only_computes);
    check_exit(end);
    CHECK(end->notes[most_threads] >= 2);
    CHECK(end->notes[most_threads] <= 8); // one comes for half a second without progress
}

const child all_block("all block", [](ledger& book) {
    thread_pool pool({.threads = 2});
    fire_and_forget(pool, [] {});
    CHECK(pool.drain(patience));
    use_up_descriptors();
    std::latch all_here(30);
    for (int i = 0; i < 30; ++i) {
        fire_and_forget(pool, [&] {
            all_here.arrive_and_wait();
            ++book.ran;
        });
    }
    CHECK(pool.drain(patience));
});

TEST_CASE(
    "tasks that wait for each other get their threads where the pool can't see that they wait") {
    if (is_left_out()) {
        return;
    }
    const outcome end = run(all_block);
    check_exit(end);
    CHECK(end->ran == 30);
}

} // namespace
