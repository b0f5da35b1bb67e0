// SPDX-License-Identifier: MIT
// Does a task cost more when many are queued? From ten thousand to ten million are queued while the
// workers are held, then run. Short queues are filled again and again, up to a million tasks.

#include "ask.hpp"
#include "gate.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>

namespace {

using namespace faf_bench;

struct queue_length {
    static constexpr const char* name = "queue_length";
    static constexpr auto asked = the_fixed_library + best_pools + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t most = how.is_quick ? 100'000 : 10'000'000;
        if constexpr (std::is_constructible_v<Peer, std::size_t>) {
            Peer peer(most + 2);
            measure_at_all_lengths(peer, most, tell);
        } else {
            Peer peer;
            measure_at_all_lengths(peer, most, tell);
        }
    }

private:
    struct times {
        double submit = 0;
        double run = 0;
    };

    template <class Peer>
    static times fill_and_run(Peer& peer, std::size_t length) {
        times taken;
        const std::uint64_t before = tally();
        gate held(peer);
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < length; ++i) {
            peer.submit(work{});
        }
        taken.submit = seconds_since(begin);
        if (tally() != before) {
            std::fputs("the workers were not held\n", stderr);
            std::exit(1);
        }
        const auto opened = std::chrono::steady_clock::now();
        held.open();
        await_asleep(before + length);
        taken.run = seconds_since(opened);
        return taken;
    }

    template <class Peer>
    static void measure_at_all_lengths(Peer& peer, std::size_t most, const answer& tell) {
        constexpr std::size_t shortest = 10'000;
        constexpr double too_slow_in_ns = 5'000;
        fill_and_run(peer, shortest); // warm-up
        for (std::size_t length = shortest; length <= most; length *= 10) {
            const std::size_t rounds = std::max<std::size_t>(1, most / 10 / length);
            times sum;
            for (std::size_t round = 0; round < rounds; ++round) {
                const times taken = fill_and_run(peer, length);
                sum.submit += taken.submit;
                sum.run += taken.run;
            }
            const double ns_per_task = 1e9 / static_cast<double>(rounds * length);
            const std::string suffix = "_at_" + std::to_string(length);
            tell("per_task" + suffix, (sum.submit + sum.run) * ns_per_task, "ns");
            tell("submit" + suffix, sum.submit * ns_per_task, "ns");
            tell("run" + suffix, sum.run * ns_per_task, "ns");
            if ((sum.submit + sum.run) * ns_per_task > too_slow_in_ns) {
                break; // what grows with the length would take minutes at the next one
            }
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<queue_length>(argc, argv);
}
