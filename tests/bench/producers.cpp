// SPDX-License-Identifier: MIT
// Many threads submit at once: what does a task cost until all are done, with 4 of them, and does
// it cost more with 1,000? The number of tasks is the same; the threads stand ready before the
// clock starts.

#include "ask.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

namespace {

using namespace faf_bench;

struct producers {
    static constexpr const char* name = "producers";
    static constexpr auto asked =
        the_library + the_fixed_library + pools + threads_per_task + go + rust;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        constexpr std::size_t few = 4;
        constexpr std::size_t many = 1000;
        const std::size_t tasks = how.tasks_for<Peer>(1'000'000);
        Peer peer;
        std::uint64_t submitted = 0;

        const auto ns_per_task = [&](std::size_t threads, std::size_t count) {
            const std::size_t share = (count + threads - 1) / threads;
            std::latch ready(static_cast<std::ptrdiff_t>(threads));
            std::latch go_on(1);
            std::vector<std::jthread> producing;
            for (std::size_t i = 0; i < threads; ++i) {
                producing.emplace_back([&] {
                    ready.count_down();
                    go_on.wait();
                    for (std::size_t task = 0; task < share; ++task) {
                        peer.submit(work{});
                    }
                    settle(peer);
                });
            }
            ready.wait();
            // The last ones have to reach their wait, too.
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            submitted += share * threads;
            const auto begin = std::chrono::steady_clock::now();
            go_on.count_down();
            await_asleep(submitted);
            return 1e9 * seconds_since(begin) / static_cast<double>(share * threads);
        };

        ns_per_task(few, tasks); // warm-up
        const double with_few = ns_per_task(few, tasks);
        const double with_many = ns_per_task(many, tasks);
        tell("total_per_task_4", with_few, "ns");
        tell("total_per_task_1000", with_many, "ns");
        tell("ratio_1000_to_4", with_many / with_few, "times");
        tell("tasks", tasks, "tasks");
        tell_threads(tell, peer);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<producers>(argc, argv);
}
