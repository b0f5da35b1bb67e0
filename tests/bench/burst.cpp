// SPDX-License-Identifier: MIT
// One thread submits a million tasks as fast as it can: what does each cost until all are done, and
// for how much of that is the caller busy?

#include "ask.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace {

using namespace faf_bench;

struct burst {
    static constexpr const char* name = "burst";
    static constexpr auto asked =
        the_library + the_fixed_library + pools + threads_per_task + go + rust + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t tasks = how.tasks_for<Peer>(1'000'000);
        Peer peer;
        std::uint64_t submitted = 0;
        double caller = 0;

        const auto fire = [&](std::size_t count) {
            const auto begin = std::chrono::steady_clock::now();
            for (std::size_t i = 0; i < count; ++i) {
                peer.submit(work{});
            }
            caller = seconds_since(begin);
            settle(peer);
            await_asleep(submitted += count);
            return seconds_since(begin);
        };

        fire(tasks); // warm-up
        const double total = fire(tasks);
        const double ns_per_task = 1e9 / static_cast<double>(tasks);
        tell("total_per_task", total * ns_per_task, "ns");
        tell("caller_per_task", caller * ns_per_task, "ns");
        tell("tasks", tasks, "tasks");
        tell_threads(tell, peer);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<burst>(argc, argv);
}
