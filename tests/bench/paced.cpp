// SPDX-License-Identifier: MIT
// A submit now and then, as real programs do: every 20 and every 200 microseconds. What does it
// cost the caller, who may have to wake a worker, and how long until the task starts?

#include "ask.hpp"
#include "percentiles.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace faf_bench;

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

struct paced {
    static constexpr const char* name = "paced";
    static constexpr auto asked =
        the_library + the_library_by_worker + pools + threads_per_task + go + rust + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const tick_scale scale = tick_scale::measure();
        Peer peer;
        std::uint64_t submitted = 0;

        const auto fire = [&](double every_us, std::vector<ticks>& cost,
                              std::vector<ticks>& start) {
            const auto pause = static_cast<ticks>(1000 * every_us / scale.ns_per_tick);
            ticks next = ticks_before();
            for (std::size_t i = 0; i < cost.size(); ++i) {
                while (ticks_before() < next) {
                    cpu_relax();
                }
                const ticks before = ticks_before();
                peer.submit(stamp_start{&start[i], before});
                const ticks after = ticks_after();
                cost[i] = after - before;
                next = before + pause > after ? before + pause : after + pause; // no catching up
                if (Peer::has_thread_per_task && i % 64 == 0) {
                    settle(peer);
                }
            }
            settle(peer);
            await_busily(submitted += cost.size());
        };
        const auto ask_at = [&](double every_us, std::size_t tasks) {
            std::vector<ticks> cost(tasks);
            std::vector<ticks> start(tasks);
            const std::string prefix = std::to_string(static_cast<int>(every_us)) + "us_";
            fire(every_us, cost, start);
            tell_caller_percentiles(tell, prefix + "caller_", cost, scale);
            tell_percentiles(tell, prefix + "start_", start, scale);
            tell(prefix + "samples", tasks, "tasks");
        };

        tell_timer(tell, scale);
        std::vector<ticks> cost(1000);
        std::vector<ticks> start(1000);
        fire(20, cost, start); // warm-up
        ask_at(20, how.tasks_for<Peer>(100'000));
        ask_at(200, how.tasks_for<Peer>(20'000));
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<paced>(argc, argv);
}
