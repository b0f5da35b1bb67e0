// SPDX-License-Identifier: MIT
// What does an item cost that goes through a channel? One producer pushes numbers, one consumer
// pops them and adds them up, on one thread or on two, with 1, 64 and 1,024 places between them:
// from who waits for each other at nearly every item to who hardly waits. Half of 20 rounds take no
// longer than the first figure, and the slowest one the other.
//
// Those whose queues block a thread are asked with two only. With --tasks=n, for instructions.sh,
// that many items go through 1,024 places, and nothing is told.

#include "ask.hpp"
#include "percentiles.hpp"
#include "ticks.hpp"

#include <fire_and_forget/channel.hpp>
#include <fire_and_forget/coroutine.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#if defined(BENCH_HAS_TBB)
#include <oneapi/tbb/concurrent_queue.h>
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
#include <blockingconcurrentqueue.h>
#endif

namespace {

using namespace faf_bench;

/// Two coroutines on a pool of that many threads.
class library_channel {
public:
    static constexpr const char* name = "fire_and_forget";
    static constexpr bool has_thread_per_task = false;
    static constexpr bool can_do_with_one_thread = true;

    library_channel(unsigned threads, std::size_t places)
        : items_(static_cast<std::uint32_t>(places)), pool_({.threads = threads, .fixed = true}) {}

    std::uint64_t pass(std::uint64_t items) {
        std::promise<std::uint64_t> sum;
        faf::fire_and_forget(pool_, &produce, std::ref(items_), items);
        faf::fire_and_forget(pool_, &consume, std::ref(items_), items, std::ref(sum));
        return sum.get_future().get();
    }

private:
    using channel = faf::channel<std::uint64_t>;

    static faf::task<> produce(channel& into, std::uint64_t items) {
        for (std::uint64_t i = 1; i <= items; ++i) {
            co_await into.push(i);
        }
    }

    static faf::task<> consume(channel& from, std::uint64_t items,
                               std::promise<std::uint64_t>& into) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < items; ++i) {
            const std::optional<std::uint64_t> item = co_await from.pop();
            sum += *item;
        }
        into.set_value(sum);
    }

    channel items_; // which the producer may not have left when the sum is there
    faf::thread_pool pool_;
};

/// What everybody writes.
class bounded_deque {
public:
    static constexpr const char* name = "mutex+deque";

    explicit bounded_deque(std::size_t places) : places_(places) {}

    void push(std::uint64_t item) {
        {
            std::unique_lock lock(mutex_);
            drained_.wait(lock, [this] { return items_.size() < places_; });
            items_.push_back(item);
        }
        filled_.notify_one();
    }

    std::uint64_t pop() {
        std::uint64_t item = 0;
        {
            std::unique_lock lock(mutex_);
            filled_.wait(lock, [this] { return !items_.empty(); });
            item = items_.front();
            items_.pop_front();
        }
        drained_.notify_one();
        return item;
    }

private:
    const std::size_t places_;
    std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable drained_;
    std::deque<std::uint64_t> items_;
};

#if defined(BENCH_HAS_TBB)
class bounded_tbb_queue {
public:
    static constexpr const char* name = "oneTBB";

    explicit bounded_tbb_queue(std::size_t places) {
        items_.set_capacity(static_cast<std::ptrdiff_t>(places));
    }

    void push(std::uint64_t item) { items_.push(item); }

    std::uint64_t pop() {
        std::uint64_t item = 0;
        items_.pop(item);
        return item;
    }

private:
    tbb::concurrent_bounded_queue<std::uint64_t> items_;
};
#endif

#if defined(BENCH_HAS_MOODYCAMEL)
/// It has no bound of its own: a semaphore counts the room.
class bounded_moodycamel_queue {
public:
    static constexpr const char* name = "moodycamel";

    explicit bounded_moodycamel_queue(std::size_t places)
        : room_(static_cast<std::ptrdiff_t>(places)) {}

    void push(std::uint64_t item) {
        room_.wait();
        items_.enqueue(item);
    }

    std::uint64_t pop() {
        std::uint64_t item = 0;
        items_.wait_dequeue(item);
        room_.signal();
        return item;
    }

private:
    moodycamel::BlockingConcurrentQueue<std::uint64_t> items_;
    moodycamel::LightweightSemaphore room_;
};
#endif

/// Two threads with a queue between them.
template <class Queue>
class between_threads {
public:
    static constexpr const char* name = Queue::name;
    static constexpr bool has_thread_per_task = false;
    static constexpr bool can_do_with_one_thread = false;

    between_threads(unsigned, std::size_t places) : items_(places) {}

    std::uint64_t pass(std::uint64_t items) {
        const std::jthread producer([&] {
            for (std::uint64_t i = 1; i <= items; ++i) {
                items_.push(i);
            }
        });
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < items; ++i) {
            sum += items_.pop();
        }
        return sum;
    }

private:
    Queue items_;
};

struct channel {
    static constexpr const char* name = "channel";
    static constexpr auto asked = peers<library_channel, between_threads<bounded_deque>>{}
#if defined(BENCH_HAS_TBB)
                                  + peers<between_threads<bounded_tbb_queue>>{}
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
                                  + peers<between_threads<bounded_moodycamel_queue>>{}
#endif
                                  + go;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        if (how.tasks > 0) {
            Peer(1, 1024).pass(how.tasks);
            return;
        }
        for (const unsigned threads : {1U, 2U}) {
            if (threads == 1 && !Peer::can_do_with_one_thread) {
                continue;
            }
            for (const std::size_t places : {std::size_t{1}, std::size_t{64}, std::size_t{1024}}) {
                Peer peer(threads, places);
                const std::string what =
                    "threads_" + std::to_string(threads) + "_places_" + std::to_string(places);
                const std::size_t all = places == 1 ? 1'000'000 : 10'000'000;
                measure(peer, how.tasks_for<Peer>(all) / rounds, what, tell);
            }
        }
    }

private:
    static constexpr std::size_t rounds = 20;

    template <class Peer>
    static void measure(Peer& peer, std::uint64_t items, const std::string& what,
                        const answer& tell) {
        std::vector<double> taken(rounds + 1);
        for (double& ns_per_item : taken) {
            const auto begin = std::chrono::steady_clock::now();
            const std::uint64_t sum = peer.pass(items);
            ns_per_item = 1e9 * seconds_since(begin) / static_cast<double>(items);
            if (sum != items * (items + 1) / 2) {
                std::fputs("the sum is wrong\n", stderr);
                std::exit(1);
            }
        }
        taken.erase(taken.begin()); // warm-up
        tell(what, rank(taken, 0.5), "ns");
        tell(what + "_slowest", rank(taken, 1.0), "ns");
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<channel>(argc, argv);
}
