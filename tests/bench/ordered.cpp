// SPDX-License-Identifier: MIT
// What does order cost? Eight threads fire eight million tasks that have to run one after the other
// in each of a thousand places, and the same at a pool without order. And when only the newest of
// ten million updates of a hundred keys counts: what does an update cost, is the last one seen, and
// does the memory stay flat?

#include "ask.hpp"
#include "resident.hpp"

#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/serial_executor.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#if defined(BENCH_HAS_ASIO)
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#endif

namespace {

using namespace faf_bench;
using std::chrono::steady_clock;

constexpr std::size_t producers = 8;
constexpr std::size_t places = 1000;
constexpr std::size_t keys = 100;

void check(bool is_so, const char* otherwise) {
    if (!is_so) {
        std::fprintf(stderr, "%s\n", otherwise);
        std::exit(1);
    }
}

/// What the tasks of one place change.
struct alignas(64) place {
    std::uint64_t tasks = 0;
    bool is_ordered = true;
    std::array<std::uint32_t, producers> next{}; ///< the least number that may come

    void note(std::uint32_t producer, std::uint32_t number) {
        ++tasks;
        is_ordered = is_ordered && number >= next[producer];
        next[producer] = number + 1;
    }
};

/// Runs what is fired at a place one after the other.
class library_serial {
public:
    static constexpr const char* name = "fire_and_forget";
    static constexpr bool has_order = true;

    library_serial() {
        while (serials_.size() < places) {
            serials_.emplace_back(pool_);
        }
    }

    template <class Fn>
    void submit(std::size_t at, Fn fn) {
        faf::fire_and_forget(serials_[at], fn);
    }
    void drain() { pool_.drain(faf::forever); }
    std::size_t threads() const { return pool_.snapshot().threads; }

private:
    faf::thread_pool pool_{as_it_comes::options()};
    std::vector<faf::serial_executor> serials_;
};

class library_without_order {
public:
    static constexpr const char* name = "fire_and_forget/without_order";
    static constexpr bool has_order = false;

    template <class Fn>
    void submit(std::size_t, Fn fn) {
        faf::fire_and_forget(pool_, fn);
    }
    void drain() { pool_.drain(faf::forever); }
    std::size_t threads() const { return pool_.snapshot().threads; }

private:
    faf::thread_pool pool_{as_it_comes::options()};
};

/// Of a hundred keys, the newest update.
struct library_conflating {
    static constexpr const char* name = "fire_and_forget/conflating";
};

#if defined(BENCH_HAS_ASIO)
class asio_strands {
public:
    static constexpr const char* name = "asio";
    static constexpr bool has_order = true;

    asio_strands() {
        while (strands_.size() < places) {
            strands_.push_back(asio::make_strand(pool_));
        }
    }

    template <class Fn>
    void submit(std::size_t at, Fn fn) {
        asio::post(strands_[at], fn);
    }
    void drain() { pool_.join(); }

private:
    asio::thread_pool pool_{pool_workers};
    std::vector<asio::strand<asio::thread_pool::executor_type>> strands_;
};
#endif

/// Has each of `many` threads call fire(thread, number) for `each` numbers.
template <class Fire>
void have_threads_fire(std::size_t many, std::uint32_t each, Fire fire) {
    std::latch all_there(static_cast<std::ptrdiff_t>(many));
    std::vector<std::jthread> threads;
    for (std::uint32_t p = 0; p < many; ++p) {
        threads.emplace_back([&all_there, &fire, each, p] {
            all_there.arrive_and_wait();
            for (std::uint32_t i = 0; i < each; ++i) {
                fire(p, i);
            }
        });
    }
}

struct ordered {
    static constexpr const char* name = "ordered";
    static constexpr auto asked = peers<library_serial, library_without_order, library_conflating>()
#if defined(BENCH_HAS_ASIO)
                                  + peers<asio_strands>()
#endif
        ;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::uint32_t each = how.is_quick ? 20'000 : 1'000'000;
        std::vector<place> all(places);
        Peer peer;
        const auto begin = steady_clock::now();
        have_threads_fire(producers, each, [&](std::uint32_t p, std::uint32_t i) {
            const std::size_t at = (i * std::size_t{7} + p * std::size_t{131}) % places;
            if constexpr (Peer::has_order) {
                peer.submit(at, [&its = all[at], p, i] { its.note(p, i); });
            } else {
                peer.submit(at, [&its = all[at]] {
                    std::atomic_ref(its.tasks).fetch_add(1, std::memory_order_relaxed);
                });
            }
        });
        peer.drain();
        const std::chrono::duration<double, std::nano> taken = steady_clock::now() - begin;
        std::uint64_t ran = 0;
        for (const place& one : all) {
            ran += one.tasks;
            check(one.is_ordered, "a task has run before one that was fired earlier");
        }
        check(ran == producers * each, "tasks are missing, or ran at the same time");
        tell("task", taken.count() / static_cast<double>(ran), "ns");
        tell_threads(tell, peer);
    }
};

template <>
void ordered::measure<library_conflating>(const settings& how, const answer& tell) {
    constexpr std::size_t threads = 2; // of which each has keys of its own
    const std::uint32_t each = how.is_quick ? 100'000 : 5'000'000;
    std::array<std::uint32_t, keys> last{};
    std::atomic<std::uint64_t> runs{0};
    faf::thread_pool pool(as_it_comes::options());
    faf::conflating_executor<std::size_t> latest(pool);
    const auto fire = [&](std::uint32_t thread, std::uint32_t i) {
        const std::size_t key = i % (keys / threads) * threads + thread;
        faf::fire_and_forget(latest[key], [&its = last[key], &runs, i] {
            its = i;
            runs.fetch_add(1, std::memory_order_relaxed);
        });
    };
    have_threads_fire(threads, 10'000, fire); // so that what is needed anyway is there
    const double before = resident_bytes();
    const auto begin = steady_clock::now();
    have_threads_fire(threads, each, fire);
    pool.drain(faf::forever);
    const std::chrono::duration<double, std::nano> taken = steady_clock::now() - begin;
    for (std::size_t key = 0; key < keys; ++key) {
        check(last[key] == each - keys / threads + key / threads, "the last update was not seen");
    }
    const faf::stats counts = pool.snapshot();
    check(counts.accepted == threads * (each + 10'000), "updates are missing");
    check(counts.accepted == runs + latest.replaced(), "runs and replaced ones are not all");
    tell("update", taken.count() / static_cast<double>(threads * each), "ns");
    tell("replaced",
         100 * static_cast<double>(latest.replaced()) / static_cast<double>(counts.accepted), "%");
    tell("update_memory", std::max(resident_bytes() - before, 0.0) / 1e6, "MB");
}

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<ordered>(argc, argv);
}
