// SPDX-License-Identifier: MIT
// What becomes of short tasks when all workers are blocked? A pool of two threads is given a
// hundred tasks that each sleep for two seconds, then a short one every 80 milliseconds.
// --series=file keeps what the pool said of itself, every millisecond at first and then every five.
//
// And how many threads does it add where none would help? A hundred tasks compute, none waits.
//
// Pools of a fixed size are not asked: with two threads they would take 100 seconds, and the short
// tasks would wait for them to pass.

#include "ask.hpp"
#include "percentiles.hpp"
#include "resident.hpp"
#include "tally.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ratio>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace faf_bench;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// With the bound on its growth that it has if nothing is said.
class elastic_pool {
public:
    static constexpr const char* name = "fire_and_forget";

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(pool_, std::move(fn));
    }

    faf::stats snapshot() const { return pool_.snapshot(); }

private:
    faf::thread_pool pool_{{.threads = pool_workers}};
};

/// What is seen at one moment.
struct sample {
    delay at;
    std::size_t threads;
    std::size_t pending;
    std::size_t running;
};

/// The schedule; a smoke test goes through it four times as fast.
struct schedule {
    static constexpr std::size_t sleepers = 100;
    static constexpr std::size_t shorts = 20;
    static constexpr milliseconds early = 50ms; ///< when the pool grows
    static constexpr milliseconds sampled_early = 1ms;
    static constexpr milliseconds sampled_every = 5ms;
    static constexpr milliseconds longest = 30s; ///< that the threads may take to be gone

    milliseconds sleep;
    milliseconds short_every;

    explicit schedule(bool is_quick)
        : sleep(is_quick ? 500ms : 2000ms), short_every(is_quick ? 20ms : 80ms) {}

    bool is_short_due(milliseconds at, std::size_t fired) const {
        return fired < shorts && at >= short_every * (fired + 1);
    }
};

template <class Peer>
constexpr bool tells_itself = requires(Peer& peer) {
    peer.snapshot();
};

/// A pool tells itself; for others the process's threads but this one are counted.
template <class Peer>
sample observe(const Peer& peer, delay at) {
    if constexpr (tells_itself<Peer>) {
        const faf::stats now = peer.snapshot();
        return {at, now.threads, now.pending, now.running};
    } else {
        return {at, process_threads() - 1, 0, 0};
    }
}

/// The run with the tasks that sleep.
template <class Peer>
class observed_run {
public:
    observed_run(Peer& peer, const schedule& plan)
        : peer_(peer), plan_(plan), ended_(schedule::sleepers), waited_(schedule::shorts) {
        samples_.reserve(static_cast<std::size_t>(schedule::longest / schedule::sampled_every));
    }

    /// Goes on for twice as long as a task sleeps, and then until the threads are gone.
    void watch() {
        const std::uint64_t all_done = tally() + schedule::sleepers + schedule::shorts;
        begin_ = steady_clock::now();
        for (steady_clock::time_point& end : ended_) {
            peer_.submit([&end, pause = plan_.sleep] {
                std::this_thread::sleep_for(pause);
                end = steady_clock::now();
                count(1);
            });
        }
        std::size_t fired = 0;
        bool is_over = false;
        for (milliseconds at{0}; !is_over && at < schedule::longest;
             at += at < schedule::early ? schedule::sampled_early : schedule::sampled_every) {
            std::this_thread::sleep_until(begin_ + at);
            if (plan_.is_short_due(at, fired)) {
                fire_short(waited_[fired++]);
            }
            samples_.push_back(observe(peer_, steady_clock::now() - begin_));
            is_over = at >= 2 * plan_.sleep && samples_.back().threads <= base_threads &&
                      tally() == all_done;
        }
        await_busily(all_done);
    }

    void tell_all(const answer& tell) {
        const delay all_done = *std::ranges::max_element(ended_) - begin_;
        tell("all_done_after", in<seconds>(all_done), "s");
        tell_delays<std::milli>(tell, "short_task_start_", waited_);
        tell("most_threads", std::ranges::max(samples_, {}, &sample::threads).threads, "threads");
        const auto back = std::ranges::find_if(samples_, [&](const sample& one) {
            return one.at >= all_done && one.threads <= base_threads;
        });
        if (back == samples_.end()) {
            std::fputs("the threads did not go\n", stderr);
            std::exit(1);
        }
        tell("threads_back_to_base_after", in<seconds>(back->at - all_done), "s");
    }

    void keep(const std::string& series) const {
        std::ofstream file(series);
        file << "seconds,threads,pending,running\n";
        for (const sample& one : samples_) {
            file << in<seconds>(one.at) << ',' << one.threads << ',' << one.pending << ','
                 << one.running << '\n';
        }
    }

private:
    using seconds = std::ratio<1>;
    static constexpr bool tells_itself = requires(Peer & peer) { peer.snapshot(); };
    static constexpr std::size_t base_threads = tells_itself ? pool_workers : 0;

    void fire_short(delay& waited) {
        peer_.submit([&waited, fired = steady_clock::now()] {
            waited = steady_clock::now() - fired;
            count(1);
        });
    }

    Peer& peer_;
    const schedule plan_;
    steady_clock::time_point begin_{};
    std::vector<steady_clock::time_point> ended_;
    std::vector<delay> waited_;
    std::vector<sample> samples_;
};

/// The same number of steps, however many threads share the cores.
void compute(std::uint64_t steps) {
    static std::atomic<std::uint64_t> result{0};
    std::uint64_t state = steps;
    for (std::uint64_t i = 0; i < steps; ++i) {
        state = state * 6364136223846793005 + 1442695040888963407;
    }
    result.store(state, std::memory_order_relaxed); // so that there is something to compute
    count(1);
}

template <class Peer>
void tell_computing(Peer& peer, bool is_quick, const answer& tell) {
    constexpr std::size_t tasks = 100;
    const std::uint64_t steps = is_quick ? 1'000'000 : 10'000'000;
    const std::uint64_t all_done = tally() + tasks;
    const auto begin = steady_clock::now();
    for (std::size_t i = 0; i < tasks; ++i) {
        peer.submit([steps] { compute(steps); });
    }
    std::size_t most_threads = 0;
    while (tally() < all_done) {
        std::this_thread::sleep_for(schedule::sampled_every);
        most_threads = std::max(most_threads, observe(peer, 0ns).threads);
    }
    tell("computing_all_done_after", seconds_since(begin), "s");
    tell("computing_most_threads", most_threads, "threads");
}

struct elasticity {
    static constexpr const char* name = "elasticity";
    static constexpr auto asked = peers<elastic_pool, detached_threads>{} + go;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        Peer peer;
        warm_up(peer);
        observed_run all(peer, schedule(how.is_quick));
        all.watch();
        all.tell_all(tell);
        tell_computing(peer, how.is_quick, tell);
        if constexpr (std::is_same_v<Peer, elastic_pool>) {
            if (!how.series.empty()) {
                all.keep(how.series);
            }
        }
    }

private:
    /// After it the workers are there, and asleep.
    template <class Peer>
    static void warm_up(Peer& peer) {
        constexpr std::size_t tasks = 1000;
        for (std::size_t i = 0; i < tasks; ++i) {
            peer.submit(work{});
        }
        await_busily(tasks);
        std::this_thread::sleep_for(100ms);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<elasticity>(argc, argv);
}
