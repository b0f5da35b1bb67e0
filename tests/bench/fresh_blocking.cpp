// SPDX-License-Identifier: MIT
// How soon does a short task start when all workers have just been blocked? A thousand times a pool
// of its own is blocked and given one: at once, or within the next two milliseconds. Other than in
// elasticity.cpp no thread is left over from the time before. The pauses between them are such that
// the keeper of the pools is met at every point of its rounds.
//
// Beside it those that start a thread for each task, whatever happens, and a pool that has a thread
// more than are blocked: what that one takes, at worst too, is the machine's part of it.
// Medians of five runs on two cores of a busy host, at once: 99 % start within 0.60 ms here, 0.10
// with std::thread and 0.11 with the spare thread; the worst of a thousand after 3.6, 4.5 and 2.4
// ms, which is a wake-up that comes late. On a quiet host the worst was 2.4 ms here and 0.2 with
// std::thread: three wake-ups follow each other here, and any of them can be the late one.
//
// And what does it cost to watch out for that? The processor time of the keeper while a pool has
// long tasks to compute, or short ones, and always some wait; and how many threads a pool gets for
// that, and for tasks that block for a fifth of a millisecond each.

#include "ask.hpp"
#include "busy_work.hpp"
#include "gate.hpp"
#include "percentiles.hpp"
#include "tally.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace faf_bench;
using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::steady_clock;

/// As it is if nothing is said.
class elastic_pool {
public:
    static constexpr const char* name = "fire_and_forget";
    static constexpr unsigned workers = pool_workers;
    static constexpr const char* watcher = "faf/keeper";

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(pool_, std::move(fn));
    }

    std::size_t threads() const { return pool_.snapshot().threads; }

private:
    faf::thread_pool pool_{{.threads = pool_workers}};
};

class own_threads {
public:
    static constexpr const char* name = "fire_and_forget/own_thread";
    static constexpr unsigned workers = pool_workers;

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(faf::own_thread, std::move(fn));
    }
};

/// Its third thread has only to be woken.
class pool_with_a_spare {
public:
    static constexpr const char* name = "mutex+deque/spare thread";
    static constexpr unsigned workers = pool_workers;

    template <class Fn>
    void submit(Fn fn) {
        pool_.submit(std::move(fn));
    }

private:
    mutex_pool pool_{mutex_pool::size{pool_workers + 1}};
};

/// What a thread has had of the processors, and how often it has left them to wait.
struct share {
    delay time{0};
    long waits = 0;
};

/// Of the threads of this process with that name.
inline share share_of(const std::string& name) {
    share sum;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string its_name;
        std::getline(std::ifstream(thread.path() / "comm"), its_name);
        if (its_name != name) {
            continue;
        }
        std::uint64_t ns = 0;
        std::ifstream(thread.path() / "schedstat") >> ns;
        sum.time += std::chrono::nanoseconds(ns);
        std::ifstream status(thread.path() / "status");
        for (std::string key; status >> key;) {
            if (key == "voluntary_ctxt_switches:") {
                long waits = 0;
                status >> waits;
                sum.waits += waits;
            }
        }
    }
    return sum;
}

struct fresh_blocking {
    static constexpr const char* name = "fresh_blocking";
    static constexpr auto asked =
        peers<elastic_pool, own_threads, detached_threads, pool_with_a_spare>{};

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        constexpr bool is_watched = requires {
            Peer::watcher;
        };
        const std::size_t rounds = how.is_quick ? 50 : 1000;
        Peer another; // without one the keeper would have to be started each time
        another.submit(work{});
        ask_for_delay<Peer>(tell, "at_once_", rounds, 0us);
        ask_for_delay<Peer>(tell, "within_2ms_", rounds, 2000us);
        if constexpr (is_watched) {
            const auto length =
                std::chrono::duration<double>(how.is_quick ? 0.2 : std::min(how.seconds, 4.0));
            const tick_scale scale = tick_scale::measure();
            ask_for_cost<Peer>(tell, "computing_20ms_", length, 8,
                               [busy = ticks_in(20ms, scale)] { be_busy_for(busy); });
            ask_for_cost<Peer>(tell, "computing_10us_", length, 300,
                               [busy = ticks_in(10us, scale)] { be_busy_for(busy); });
            ask_for_cost<Peer>(tell, "blocking_200us_", length, 50,
                               [] { std::this_thread::sleep_for(200us); });
        }
    }

private:
    template <class Peer>
    static void ask_for_delay(const answer& tell, const std::string& prefix, std::size_t rounds,
                              microseconds latest) {
        std::vector<delay> waited(rounds);
        std::size_t most_threads = 0;
        for (std::size_t i = 0; i < rounds; ++i) {
            std::this_thread::sleep_for(microseconds(i * 7919 % 25'000));
            Peer peer;
            gate shut(peer);
            std::this_thread::sleep_for(latest * (i * 31 % rounds) / rounds);
            std::atomic<bool> has_run{false};
            peer.submit([&has_run, &its = waited[i], fired = steady_clock::now()] {
                its = steady_clock::now() - fired;
                has_run = true;
            });
            while (!has_run) {
                std::this_thread::sleep_for(100us);
            }
            if constexpr (requires { peer.threads(); }) {
                most_threads = std::max(most_threads, peer.threads());
            }
        }
        tell_delays<std::micro>(tell, prefix + "start_", waited);
        if (most_threads > 0) {
            tell(prefix + "most_threads", most_threads, "threads");
        }
    }

    /// With `ahead` tasks that wait.
    template <class Peer, class Task>
    static void ask_for_cost(const answer& tell, const std::string& prefix,
                             std::chrono::duration<double> length, std::size_t ahead, Task task) {
        Peer peer;
        const std::uint64_t before = tally();
        const share used_before = share_of(Peer::watcher);
        const auto end = steady_clock::now() + length;
        std::uint64_t fired = before;
        std::size_t most_threads = 0;
        for (std::uint64_t look = 0; steady_clock::now() < end; ++look) {
            for (; fired < tally() + ahead; ++fired) {
                peer.submit([task] {
                    task();
                    count(1);
                });
            }
            if (look % 8 == 0) {
                most_threads = std::max(most_threads, peer.threads());
            }
            std::this_thread::sleep_for(500us);
        }
        const share used = share_of(Peer::watcher);
        tell(prefix + "keeper_us_per_second",
             in<std::micro>(used.time - used_before.time) / length.count(), "us");
        tell(prefix + "keeper_visits_per_second",
             static_cast<double>(used.waits - used_before.waits) / length.count(), "1/s");
        tell(prefix + "most_threads", most_threads, "threads");
        tell(prefix + "tasks_per_second", static_cast<double>(tally() - before) / length.count(),
             "1/s");
        await_asleep(fired);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<fresh_blocking>(argc, argv);
}
