// SPDX-License-Identifier: MIT
// Tasks that fire tasks: each fires two more, down to a depth. What does each cost until all are
// done?
//
// By hand, for they are not packaged: 24.7 ns here, 28.5 with TooManyCooks (6f18dfd), medians of 17
// runs in turn on 2026-11-28, both by GCC 12 at -O3, and 43.7 with stdexec's static_thread_pool
// (e92245d5) by clang 19. TooManyCooks by clang 19 with -march=native took 23.8, and here 24.2.

#include "ask.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <chrono>
#include <cstdint>

namespace {

using namespace faf_bench;

template <class Peer>
struct branch {
    Peer* peer;
    std::uint64_t depth;
    work leaf{.step = 1, .first = 0, .second = 0, .third = 0};

    void operator()() const {
        if (depth > 0) {
            peer->submit(branch{peer, depth - 1, leaf});
            peer->submit(branch{peer, depth - 1, leaf});
        }
        count(leaf.step);
    }
};

struct fan_out {
    static constexpr const char* name = "fan_out";
    static constexpr auto asked =
        the_library + the_fixed_library + pools + threads_per_task + go + rust;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const unsigned depth = (Peer::has_thread_per_task ? 10U : 19U) - (how.is_quick ? 5U : 0U);
        Peer peer;
        std::uint64_t submitted = 0;

        const auto ns_per_task = [&](std::uint64_t levels) {
            const std::uint64_t tasks = (std::uint64_t{2} << levels) - 1;
            const auto begin = std::chrono::steady_clock::now();
            peer.submit(branch<Peer>{&peer, levels});
            await_asleep(submitted += tasks);
            const double total = seconds_since(begin);
            settle(peer);
            return 1e9 * total / static_cast<double>(tasks);
        };

        ns_per_task(depth); // warm-up
        tell("total_per_task", ns_per_task(depth), "ns");
        tell("tasks", (std::uint64_t{2} << depth) - 1, "tasks");
        tell_threads(tell, peer);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<fan_out>(argc, argv);
}
