// SPDX-License-Identifier: MIT
#pragma once

// One task after the other at a given pace, as real programs fire them: what does a submit cost the
// caller, who may have to wake a worker, how long until the task starts, and what do those who run
// it take of the processors meanwhile?

#include "ask.hpp"
#include "percentiles.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

namespace faf_bench {

/// 32 bytes, like the others' work.
struct stamp_start {
    ticks* waited;
    ticks submitted;
    std::uint64_t step = 1;
    std::uint64_t filler = 0;

    void operator()() const noexcept {
        *waited = ticks_after() - submitted;
        count(step + filler);
    }
};
static_assert(sizeof(stamp_start) == sizeof(work));

/// Processor time of all threads but the calling one.
inline double seconds_of_others() {
    const auto seconds = [](clockid_t of) {
        timespec used{};
        ::clock_gettime(of, &used);
        return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
    };
    return seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID);
}

/// Fires at one peer.
template <class Peer>
class pacer {
public:
    explicit pacer(const answer& tell) : tell_(tell) { tell_timer(tell_, scale_); }

    void warm_up() {
        std::vector<ticks> cost(1000);
        std::vector<ticks> start(1000);
        fire(20, cost, start);
    }

    void ask_at(std::size_t every_us, std::size_t tasks) {
        std::vector<ticks> cost(tasks);
        std::vector<ticks> start(tasks);
        const std::string prefix = std::to_string(every_us) + "us_";
        const auto begin = std::chrono::steady_clock::now();
        const double used = seconds_of_others();
        fire(static_cast<double>(every_us), cost, start);
        const double cores = (seconds_of_others() - used) / seconds_since(begin);
        tell_caller_percentiles(tell_, prefix + "caller_", cost, scale_);
        tell_percentiles(tell_, prefix + "start_", start, scale_);
        tell_(prefix + "cores", cores, "cores");
        tell_(prefix + "samples", tasks, "tasks");
    }

private:
    void fire(double every_us, std::vector<ticks>& cost, std::vector<ticks>& start) {
        const auto pause = static_cast<ticks>(1000 * every_us / scale_.ns_per_tick);
        ticks next = ticks_before();
        for (std::size_t i = 0; i < cost.size(); ++i) {
            while (ticks_before() < next) {
                cpu_relax();
            }
            const ticks before = ticks_before();
            peer_.submit(stamp_start{&start[i], before});
            const ticks after = ticks_after();
            cost[i] = after - before;
            next = before + pause > after ? before + pause : after + pause; // no catching up
            if (Peer::has_thread_per_task && i % 64 == 0) {
                settle(peer_);
            }
        }
        settle(peer_);
        await_busily(submitted_ += cost.size());
    }

    const answer& tell_;
    const tick_scale scale_ = tick_scale::measure();
    Peer peer_;
    std::uint64_t submitted_ = 0;
};

} // namespace faf_bench
