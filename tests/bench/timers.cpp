// SPDX-License-Identifier: MIT
// What does a million pending timers cost, and how late do they fire? Each is set for two seconds
// after its own insertion; then a million again, set for two to three seconds in no order. Last, a
// thousand timers over a second, in a process that does nothing else.
//
// A timer records when it fired. Its deadline is known for every fiftieth of the million: reading
// the clock at each insertion would be measured along with it.

#include "ask.hpp"
#include "percentiles.hpp"
#include "resident.hpp"
#include "tally.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(BENCH_HAS_ASIO)
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#endif

namespace {

using namespace faf_bench;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

class library_timers {
public:
    static constexpr const char* name = "fire_and_forget";
    static constexpr bool has_thread_per_task = false;

    library_timers() { faf::configure_default_pool(as_it_comes::options()); }

    template <class Fn>
    void submit_after(milliseconds pause, Fn fn) {
        faf::fire_and_forget({.after = pause}, std::move(fn));
    }
};

#if defined(BENCH_HAS_ASIO)
/// Its timer is an object of the caller's, which here its own handler owns.
class asio_timers {
public:
    static constexpr const char* name = "asio";
    static constexpr bool has_thread_per_task = false;

    template <class Fn>
    void submit_after(milliseconds pause, Fn fn) {
        auto owned = std::make_unique<asio::steady_timer>(pool_, pause);
        asio::steady_timer& timer = *owned;
        timer.async_wait([owned = std::move(owned),
                          fn = std::move(fn)](const asio::error_code&) mutable { fn(); });
    }

private:
    asio::thread_pool pool_{pool_workers};
};
#endif

/// Waits without await_asleep's finer timer slack, which threads started later would inherit.
void await(std::uint64_t target) {
    while (tally() < target) {
        std::this_thread::sleep_for(10ms);
    }
}

/// Some timers and what became of them.
class timer_set {
public:
    timer_set(std::size_t size, std::size_t stamped_every)
        : stamped_every_(stamped_every), fired_(size), deadlines_(size / stamped_every) {}

    /// `pause_of(i)` is the time that timer i is set for.
    template <class Peer, class Pause>
    void insert(Peer& peer, Pause pause_of) {
        const std::size_t size = fired_.size();
        begin_ = steady_clock::now();
        for (std::size_t i = 0; i < size; ++i) {
            const milliseconds pause = pause_of(i);
            if ((i + 1) % stamped_every_ == 0) {
                deadlines_[i / stamped_every_] = steady_clock::now() + pause;
            }
            peer.submit_after(pause, [this, i] {
                fired_[i] = steady_clock::now();
                count(1);
            });
        }
        end_ = steady_clock::now();
    }

    double insertion_ns() const {
        return in<std::nano>(end_ - begin_) / static_cast<double>(fired_.size());
    }

    /// How long after its deadline each of those fired whose deadline is known.
    std::vector<delay> lateness() const {
        std::vector<delay> late(deadlines_.size());
        for (std::size_t k = 0; k < late.size(); ++k) {
            late[k] = fired_[(k + 1) * stamped_every_ - 1] - deadlines_[k];
        }
        return late;
    }

    delay last_after_deadline() const {
        return *std::max_element(fired_.begin(), fired_.end()) -
               *std::max_element(deadlines_.begin(), deadlines_.end());
    }

private:
    std::size_t stamped_every_;
    std::vector<steady_clock::time_point> fired_;
    std::vector<steady_clock::time_point> deadlines_;
    steady_clock::time_point begin_{};
    steady_clock::time_point end_{};
};

struct timers {
    static constexpr const char* name = "timers";
    static constexpr auto asked = peers<library_timers>{}
#if defined(BENCH_HAS_ASIO)
                                  + peers<asio_timers>{}
#endif
                                  + go + go_timers + node;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t many = how.tasks_for<Peer>(1'000'000);
        const milliseconds pause = how.is_quick ? 200ms : 2000ms;
        Peer peer;
        std::uint64_t set = 0;
        {
            timer_set warm_up(many / 100, 1);
            warm_up.insert(peer, [](std::size_t) { return 10ms; });
            await(set += many / 100);
        }
        ask_many(peer, many, pause, set, tell);
        ask_spread(peer, many, pause, set, tell);
        ask_thousand(peer, pause / 2, set, tell);
        tell("timers", many, "timers");
    }

private:
    template <class Peer>
    static void ask_many(Peer& peer, std::size_t many, milliseconds pause, std::uint64_t& set,
                         const answer& tell) {
        timer_set all(many, 50);
        const double before = resident_bytes();
        all.insert(peer, [=](std::size_t) { return pause; });
        const double after = resident_bytes();
        const std::uint64_t pending = set + many - tally();
        await(set += many);
        tell("insertion_per_timer", all.insertion_ns(), "ns");
        tell("bytes_per_timer", (after - before) / static_cast<double>(many), "bytes");
        tell("pending_at_once", pending, "timers");
        tell_lateness(tell, "", all);
    }

    template <class Peer>
    static void ask_spread(Peer& peer, std::size_t many, milliseconds pause, std::uint64_t& set,
                           const answer& tell) {
        timer_set all(many, 50);
        // A prime, so that the timers whose deadline is known meet all pauses.
        const std::size_t steps = static_cast<std::size_t>(pause.count()) / 2 - 3;
        all.insert(peer, [=](std::size_t i) { return pause + milliseconds(i * 7919 % steps); });
        await(set += many);
        tell("spread_insertion_per_timer", all.insertion_ns(), "ns");
        tell_lateness(tell, "spread_", all);
    }

    template <class Peer>
    static void ask_thousand(Peer& peer, milliseconds over, std::uint64_t& set,
                             const answer& tell) {
        const auto size = static_cast<std::size_t>(over.count()); // one for each millisecond
        timer_set all(size, 1);
        all.insert(peer, [=](std::size_t i) { return 100ms + milliseconds(i * 7919 % size); });
        await(set += size);
        std::vector<delay> late = all.lateness();
        tell_delays<std::micro>(tell, "thousand_", late);
        tell("thousand_earliest", in<std::micro>(std::ranges::min(late)), "us");
    }

    static void tell_lateness(const answer& tell, const std::string& prefix, const timer_set& all) {
        tell(prefix + "last_fired_after_deadline", in<std::milli>(all.last_after_deadline()), "ms");
        std::vector<delay> late = all.lateness();
        tell_delays<std::milli>(tell, prefix + "lateness_", late);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<timers>(argc, argv);
}
