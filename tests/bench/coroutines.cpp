// SPDX-License-Identifier: MIT
// What does a million coroutines cost that each sleep for four seconds, and are they all done in
// time? A goroutine with time.Sleep is Go's answer. And what does a co_await cost that does not
// wait?
//
// Memory is asked first, of coroutines that are started no faster than they begin to sleep; then
// time, of a burst.

#include "ask.hpp"
#include "percentiles.hpp"
#include "resident.hpp"
#include "tally.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <string_view>
#include <thread>
#include <type_traits>

namespace {

using namespace faf_bench;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// A pool of two threads, and a task for each coroutine.
struct library_coroutines {
    static constexpr const char* name = "fire_and_forget";
    static constexpr bool has_thread_per_task = false;

    library_coroutines() { faf::configure_default_pool(as_it_comes::options()); }
};

void await(std::uint64_t target) {
    while (tally() < target) {
        std::this_thread::sleep_for(10ms);
    }
}

void start(std::size_t many, std::chrono::milliseconds pause) {
    for (std::size_t i = 0; i < many; ++i) {
        faf::fire_and_forget([pause]() -> faf::task<> {
            co_await faf::sleep_for(pause);
            count(1);
        });
    }
}

faf::task<std::uint64_t> ready(std::uint64_t value) {
    co_return value;
}

struct coroutines {
    static constexpr const char* name = "coroutines";
    static constexpr auto asked = peers<library_coroutines>{} + go;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t many = how.tasks_for<Peer>(1'000'000);
        const std::chrono::milliseconds pause = how.is_quick ? 500ms : 4'000ms;
        const Peer peer;
        start(many / 100, 10ms);
        await(many / 100);

        const auto size = static_cast<double>(many);
        const double before = resident_bytes();
        for (std::size_t i = 0; i < many; i += many / 1000) {
            start(many / 1000, pause);
            std::this_thread::sleep_for(1ms);
        }
        tell("bytes_per_sleeper", (resident_bytes() - before) / size, "bytes");
        await(many + many / 100);

        const auto begin = steady_clock::now();
        start(many, pause);
        const auto end = steady_clock::now();
        await(2 * many + many / 100);
        const auto done = steady_clock::now();
        tell("start_per_coroutine", in<std::nano>(end - begin) / size, "ns");
        tell("all_done_after_last_deadline", in<std::milli>(done - end - pause), "ms");
        tell("sleepers", many, "coroutines");
        ask_awaits(many, tell);
    }

private:
    static void ask_awaits(std::size_t many, const answer& tell) {
        std::latch is_over(1);
        double per_await = 0;
        faf::fire_and_forget([&, many]() -> faf::task<> {
            std::uint64_t sum = 0;
            const auto begin = steady_clock::now();
            for (std::size_t i = 0; i < many; ++i) {
                sum += co_await ready(i);
            }
            per_await = in<std::nano>(steady_clock::now() - begin) / static_cast<double>(many);
            count(sum & 1U);
            is_over.count_down();
        });
        is_over.wait();
        tell("await_that_does_not_wait", per_await, "ns");
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<coroutines>(argc, argv);
}
