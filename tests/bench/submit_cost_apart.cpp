// SPDX-License-Identifier: MIT
// What does one submit cost its caller when the caller has a core to itself and the workers have
// the others? As submit_cost while the workers keep up, but not left to the scheduler: every task
// crosses from one core to another, and no worker takes the caller's place.

#include "ask.hpp"
#include "gate.hpp"
#include "percentiles.hpp"
#include "sampled_submits.hpp"
#include "ticks.hpp"

#include <cstddef>
#include <cstdio>
#include <vector>

#include <sched.h>

namespace {

using namespace faf_bench;

struct cores {
    cpu_set_t first{};
    cpu_set_t others{};

    static cores usable() {
        cores split;
        ::sched_getaffinity(0, sizeof split.others, &split.others);
        std::size_t core = 0;
        while (!CPU_ISSET(core, &split.others)) {
            ++core;
        }
        CPU_SET(core, &split.first);
        CPU_CLR(core, &split.others);
        return split;
    }
};

/// Holds for the calling thread and for the threads that it starts from now on.
void run_only_on(const cpu_set_t& set) {
    ::sched_setaffinity(0, sizeof set, &set);
}

struct submit_cost_apart {
    static constexpr const char* name = "submit_cost_apart";
    // Threads that are started for each task, and Go's, cannot be placed.
    static constexpr auto asked = the_library + the_default_pool + best_pools + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const tick_scale scale = tick_scale::measure();
        const std::size_t size = how.tasks_for<Peer>(200'000);
        const cores split = cores::usable();
        if (CPU_COUNT(&split.others) == 0) {
            std::fprintf(stderr, "%s needs two cores\n", name);
            return;
        }
        run_only_on(split.others);
        Peer peer;
        { const gate all_workers_have_started(peer); }
        run_only_on(split.first);
        sampled_submits<Peer> submits(peer, size);
        tell_timer(tell, scale);
        tell("samples", size, "tasks");

        submits.take_with_workers_keeping_up(); // warm-up
        tell_caller_percentiles(tell, "", submits.take_with_workers_keeping_up(), scale);
        std::vector<ticks> rows = submits.take_in_rows();
        tell_rows(tell, rows, submits.keeping_up, scale);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<submit_cost_apart>(argc, argv);
}
