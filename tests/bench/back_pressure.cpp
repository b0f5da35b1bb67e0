// SPDX-License-Identifier: MIT
// What does a bound on the queue cost a producer that is faster than its consumer? One worker takes
// a microsecond for each item, at most 1024 wait, and a producer that finds the queue full waits
// for room. What an item takes above that microsecond is the queue's.

#include "ask.hpp"
#include "bounded_queues.hpp"
#include "busy_work.hpp"
#include "percentiles.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace faf_bench;
using namespace std::chrono_literals;

constexpr std::size_t bound = 1024;

class bounded_pool {
public:
    static constexpr const char* name = "fire_and_forget";
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit(Fn fn) {
        if (!faf::fire_and_forget(pool_, std::move(fn))) {
            std::fputs("an item was refused\n", stderr);
            std::exit(1);
        }
    }

private:
    faf::thread_pool pool_{
        {.threads = 1, .max_pending = bound, .when_full = faf::overflow::wait, .full_wait = 1s}};
};

/// A bounded queue and a thread that runs what comes out of it.
template <class Queue>
class consumer {
public:
    static constexpr const char* name = Queue::name;
    static constexpr bool has_thread_per_task = false;

    ~consumer() {
        queue_.push(nullptr);
        thread_.join();
    }

    template <class Fn>
    void submit(Fn fn) {
        queue_.push(std::move(fn));
    }

private:
    Queue queue_;
    std::thread thread_{[this] {
        while (const item next = queue_.pop()) {
            next();
        }
    }};
};

struct busy_item {
    ticks length;
    work counted{};

    void operator()() const noexcept {
        be_busy_for(length);
        counted();
    }
};

struct back_pressure {
    static constexpr const char* name = "back_pressure";
    static constexpr auto asked = peers<bounded_pool, consumer<bounded_deque<bound>>>{}
#if defined(BENCH_HAS_TBB)
                                  + peers<consumer<bounded_tbb_queue<bound>>>{}
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
                                  + peers<consumer<bounded_moodycamel_queue<bound>>>{}
#endif
                                  + go + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const tick_scale scale = tick_scale::measure();
        const std::size_t items = how.tasks_for<Peer>(500'000);
        const busy_item next{ticks_in(1us, scale)};
        Peer peer = make<Peer>();
        std::vector<ticks> cost(items);
        std::uint64_t submitted = 0;

        const auto produce = [&](std::size_t count) {
            const auto begin = std::chrono::steady_clock::now();
            for (std::size_t i = 0; i < count; ++i) {
                const ticks before = ticks_before();
                peer.submit(next);
                cost[i] = ticks_after() - before;
            }
            await_asleep(submitted += count);
            return 1e9 * seconds_since(begin) / static_cast<double>(count);
        };

        produce(items / 10); // warm-up
        tell("total_per_item", produce(items), "ns");
        tell_timer(tell, scale);
        tell_caller_percentiles(tell, "submit_", cost, scale);
        tell("items", items, "items");
    }

private:
    template <class Peer>
    static Peer make() {
        if constexpr (std::is_constructible_v<Peer, std::size_t>) {
            return Peer(bound);
        } else {
            return Peer();
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<back_pressure>(argc, argv);
}
