// SPDX-License-Identifier: MIT
// Do urgent tasks overtake a flood, and do the others still advance? Behind a million queued tasks
// of a microsecond each, a hundred tasks are fired, one a millisecond: how long until they start?
// Then a flood that never ends, of 64 urgent tasks that each fire the next: which share of the
// starts is left to a million tasks of low priority, alone and besides a million of normal
// priority?

#include "ask.hpp"
#include "busy_work.hpp"
#include "gate.hpp"
#include "percentiles.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(BENCH_HAS_TBB)
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#endif

namespace {

using namespace faf_bench;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

using faf::priority;

enum class heeds { priorities, nothing };

template <heeds What>
class library_priorities {
public:
    static constexpr const char* name =
        What == heeds::priorities ? fixed_in_size::name : "fire_and_forget/no_priority";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;
    static constexpr bool has_priorities = What == heeds::priorities;

    template <class Fn>
    void submit(priority urgency, Fn fn) {
        faf::fire_and_forget(pool_, {.priority = has_priorities ? urgency : priority::normal},
                             std::move(fn));
    }

private:
    faf::thread_pool pool_{fixed_in_size::options()};
};

#if defined(BENCH_HAS_TBB)
/// An arena for each priority; the workers are the same two.
class tbb_priorities {
public:
    static constexpr const char* name = "oneTBB";
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_priorities = true;

    template <class Fn>
    void submit(priority urgency, Fn fn) {
        arenas_[static_cast<std::size_t>(urgency)].enqueue(std::move(fn));
    }

private:
    using level = tbb::task_arena::priority;
    static constexpr int slots = static_cast<int>(pool_workers);

    tbb::global_control threads_{tbb::global_control::max_allowed_parallelism, pool_workers + 1};
    std::array<tbb::task_arena, 3> arenas_{tbb::task_arena{slots, 0, level::high},
                                           tbb::task_arena{slots, 0, level::normal},
                                           tbb::task_arena{slots, 0, level::low}};
};
#endif

/// A peer as gate sees it.
template <class Peer>
struct at_normal_priority {
    static constexpr unsigned workers = Peer::workers;
    Peer& peer;

    template <class Fn>
    void submit(Fn fn) {
        peer.submit(priority::normal, std::move(fn));
    }
};

/// Queued tasks, and urgent ones that do not end until they are told to.
template <class Peer>
class endless_flood {
public:
    endless_flood(Peer& peer, ticks length) : peer_(peer), length_(length) {}

    void queue(priority urgency, std::size_t tasks) {
        queued_ += tasks;
        for (std::size_t i = 0; i < tasks; ++i) {
            peer_.submit(urgency, [this, urgency] { start(urgency); });
        }
    }

    void begin() {
        for (std::size_t i = 0; i < urgent_at_once; ++i) {
            go_on();
        }
    }

    std::uint64_t starts(priority urgency) const {
        return starts_[static_cast<std::size_t>(urgency)].count.load();
    }

    void end() {
        is_over_ = true;
        while (going_on_ != 0 || starts(priority::normal) + starts(priority::low) != queued_) {
            std::this_thread::sleep_for(1ms);
        }
    }

private:
    static constexpr std::size_t urgent_at_once = 64;

    void start(priority urgency) {
        if (!is_over_) {
            be_busy_for(length_);
        }
        starts_[static_cast<std::size_t>(urgency)].count.fetch_add(1);
    }

    void go_on() {
        going_on_.fetch_add(1);
        peer_.submit(priority::high, [this] {
            start(priority::high);
            if (!is_over_) {
                go_on();
            }
            going_on_.fetch_sub(1);
        });
    }

    Peer& peer_;
    ticks length_;
    std::uint64_t queued_ = 0;
    std::array<tally_line, 3> starts_{};
    std::atomic<std::size_t> going_on_{0};
    std::atomic<bool> is_over_{false};
};

struct priorities {
    static constexpr const char* name = "priorities";
    static constexpr auto asked =
        peers<library_priorities<heeds::priorities>, library_priorities<heeds::nothing>>{}
#if defined(BENCH_HAS_TBB)
        + peers<tbb_priorities>{}
#endif
    ;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t flood = how.is_quick ? 200'000 : 1'000'000;
        const ticks length = ticks_in(1us, tick_scale::measure());
        Peer peer;
        warm_up(peer);
        std::vector<delay> waited(how.is_quick ? 10 : 100);
        overtake(peer, flood, length, waited);
        tell_delays<std::micro>(tell, "high_start_", waited);
        if constexpr (Peer::has_priorities) {
            const auto watched = how.is_quick ? 10ms : 1000ms;
            tell_shares(peer, {0, flood}, length, watched, "alone_", tell);
            tell_shares(peer, {flood, flood}, length, watched, "", tell);
        }
        tell("tasks", flood, "tasks");
    }

private:
    template <class Peer>
    static void warm_up(Peer& peer) {
        constexpr std::size_t tasks = 1000;
        for (std::size_t i = 0; i < tasks; ++i) {
            for (const priority urgency : {priority::high, priority::normal, priority::low}) {
                peer.submit(urgency, work{});
            }
        }
        await_busily(3 * tasks);
    }

    template <class Peer>
    static void overtake(Peer& peer, std::size_t flood, ticks length, std::vector<delay>& waited) {
        const std::uint64_t before = tally();
        at_normal_priority<Peer> gated{peer};
        gate held(gated);
        for (std::size_t i = 0; i < flood; ++i) {
            peer.submit(priority::low, [length, counted = work{}] {
                be_busy_for(length);
                counted();
            });
        }
        held.open();
        const auto begin = steady_clock::now();
        for (std::size_t i = 0; i < waited.size(); ++i) {
            std::this_thread::sleep_until(begin + (i + 1) * 1ms);
            peer.submit(priority::high, [&delay = waited[i], fired = steady_clock::now()] {
                delay = steady_clock::now() - fired;
                count(1);
            });
        }
        check(tally() < before + flood, "the flood was over too soon");
        await_asleep(before + flood + waited.size());
    }

    struct backlog {
        std::size_t normal;
        std::size_t low;
    };

    template <class Peer>
    static void tell_shares(Peer& peer, backlog queued, ticks length,
                            std::chrono::milliseconds watched, const std::string& prefix,
                            const answer& tell) {
        endless_flood<Peer> flood(peer, length);
        at_normal_priority<Peer> gated{peer};
        gate held(gated);
        flood.queue(priority::low, queued.low);
        flood.queue(priority::normal, queued.normal);
        flood.begin();
        held.open();
        std::this_thread::sleep_for(watched);
        const auto low = static_cast<double>(flood.starts(priority::low));
        const auto normal = static_cast<double>(flood.starts(priority::normal));
        const double all = low + normal + static_cast<double>(flood.starts(priority::high));
        flood.end();
        check(static_cast<std::size_t>(low) < queued.low, "the queue was over too soon");
        tell(prefix + "share_of_low", 100 * low / all, "%");
        if (queued.normal != 0) {
            check(static_cast<std::size_t>(normal) < queued.normal, "the queue was over too soon");
            tell(prefix + "share_of_normal", 100 * normal / all, "%");
        }
    }

    static void check(bool is_so, const char* otherwise) {
        if (!is_so) {
            std::fprintf(stderr, "%s\n", otherwise);
            std::exit(1);
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<priorities>(argc, argv);
}
