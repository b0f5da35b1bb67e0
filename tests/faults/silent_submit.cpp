// SPDX-License-Identifier: MIT
// What the submitting thread asks of the system: nothing, if workers wake each other. A filter that
// holds for this thread only sends it a signal instead of every system call.

#include "child.hpp"
#include "eventually.hpp"
#include "system_call_filter.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;
using faf::thread_pool;

constexpr long is_put_up = 0; ///< the notes in the ledger
constexpr long calls_of_clock = 1;
constexpr long calls_of_submits = 2;
constexpr long first_call = 3;
constexpr long has_ended = 4;

constexpr std::uint64_t submits = 100'000;

std::atomic<long> system_calls{0};
std::atomic<long> last_number{-1};

void count_system_call(int, siginfo_t* about, void*) {
    ++system_calls;
    last_number = about->si_syscall;
}

/// All but what this test itself needs: to sleep at the end, and to return from the signal.
bool trap_system_calls() {
    struct sigaction action {};
    action.sa_sigaction = count_system_call;
    action.sa_flags = SA_SIGINFO;
    constexpr std::array<long, 4> allowed{SYS_rt_sigreturn, SYS_clock_nanosleep, SYS_exit_group,
                                          SYS_write};
    return sigaction(SIGSYS, &action, nullptr) == 0 &&
           filter_system_calls(allowed, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP, filtered::this_thread);
}

void spin_for(std::chrono::nanoseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
        faf::detail::cpu_relax();
    }
}

/// Until all have run, or a call was trapped: a wake-up that was never comes.
void wait_for(const std::atomic<std::uint64_t>& ran, std::uint64_t all) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (ran < all && system_calls == 0 && std::chrono::steady_clock::now() < end) {
        faf::detail::cpu_relax();
    }
}

/// Fires in rows that the workers can keep up with: a queue that grows needs memory. Most pauses
/// leave the worker looking; some are longer than its look and its nap.
void fire_quietly(thread_pool& pool, ledger& book) {
    std::uint64_t fired = 0;
    for (std::uint64_t row = 1; fired < submits && system_calls == 0; ++row) {
        for (int i = 0; i < 20; ++i) {
            book.count(fire_and_forget(pool, [&book] { ++book.ran; }));
            ++fired;
        }
        wait_for(book.ran, fired);
        spin_for(row % 8 == 0 ? 300us : std::chrono::microseconds(row % 64));
    }
}

void measure(thread_pool& pool, ledger& book) {
    for (int i = 0; i < 1'000; ++i) { // it has a lane, and blocks
        fire_and_forget(pool, [] {});
    }
    while (pool.snapshot().succeeded < 1'000) {
        std::this_thread::sleep_for(1ms);
    }
    book.notes[is_put_up] = trap_system_calls() ? 1 : 0;
    spin_for(10us);
    book.notes[calls_of_clock] = system_calls.exchange(0);
    if (book.notes[calls_of_clock] == 0) {
        spin_for(10ms); // the workers fall asleep, or nap
        fire_quietly(pool, book);
        book.notes[calls_of_submits] = system_calls.load();
        book.notes[first_call] = last_number.load();
    }
    book.notes[has_ended] = 1;
    for (;;) { // a thread can't end without system calls
        const timespec a_while{1, 0};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &a_while, nullptr);
    }
}

const child submits_silently("submits silently", [](ledger& book) {
    const auto who = book.argument == 0 ? faf::wake::by_worker : faf::wake::by_caller;
    thread_pool pool({.threads = 3, .max_threads = 3, .wake_up = who});
    std::thread([&] { measure(pool, book); }).detach();
    while (book.notes[has_ended] == 0) {
        std::this_thread::sleep_for(1ms);
    }
    _exit(0); // what was trapped is missing
});

bool is_left_out() {
    if (is_sanitized) {
        WARN("left out: a sanitizer makes system calls of its own");
    }
    return is_sanitized;
}

bool can_measure(const outcome& end) {
    if (end->notes[is_put_up] == 0) {
        WARN("left out: this system lets no program filter its system calls");
    } else if (end->notes[calls_of_clock] != 0) {
        WARN("left out: here, reading the clock is a system call");
    }
    return end->notes[is_put_up] != 0 && end->notes[calls_of_clock] == 0;
}

TEST_CASE("a submit to a pool that wakes by worker makes no system call") {
    if (is_left_out()) {
        return;
    }
    const outcome end = run(submits_silently, 0);
    check_exit(end);
    if (can_measure(end)) {
        INFO("the number of the first call: " << end->notes[first_call]);
        CHECK(end->notes[calls_of_submits] == 0);
        CHECK(end->accepted == submits);
        CHECK(end->ran == submits);
    }
}

TEST_CASE("a submit to a pool that wakes by caller makes one when all workers sleep") {
    if (is_left_out()) {
        return;
    }
    const outcome end = run(submits_silently, 1);
    check_exit(end);
    if (can_measure(end)) {
        CHECK(end->notes[calls_of_submits] > 0);
        CHECK(end->notes[first_call] == SYS_futex);
    }
}

} // namespace
