// SPDX-License-Identifier: MIT
// What does one submit cost its caller? First while the workers keep up: the caller waits, off the
// clock, until every 64 tasks are done. Each is timed alone; once more, all 64 are timed as one
// (row_). Then without a pause (free_), where queues grow.

#include "ask.hpp"
#include "percentiles.hpp"
#include "sampled_submits.hpp"
#include "ticks.hpp"

#include <cstddef>
#include <vector>

namespace {

using namespace faf_bench;

struct submit_cost {
    static constexpr const char* name = "submit_cost";
    static constexpr auto asked =
        the_library + the_default_pool + pools + threads_per_task + go + rust + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const tick_scale scale = tick_scale::measure();
        const std::size_t size = how.tasks_for<Peer>(400'000);
        Peer peer;
        sampled_submits<Peer> submits(peer, size);
        tell_timer(tell, scale);
        tell("samples", size, "tasks");

        submits.take_with_workers_keeping_up(); // warm-up
        tell_caller_percentiles(tell, "", submits.take_with_workers_keeping_up(), scale);
        std::vector<ticks> rows = submits.take_in_rows();
        tell_rows(tell, rows, submits.keeping_up, scale);
        tell_caller_percentiles(tell, "free_", submits.take_without_a_pause(), scale);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<submit_cost>(argc, argv);
}
