// SPDX-License-Identifier: MIT
// How many bytes of memory does a queued task with a capture of 32 bytes take? The growth of the
// resident set while the workers are held and a million tasks queue up.

#include "ask.hpp"
#include "gate.hpp"
#include "resident.hpp"
#include "tally.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace faf_bench;

struct memory {
    static constexpr const char* name = "memory";
    static constexpr auto asked = the_fixed_library + best_pools + go + rust;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t tasks = how.tasks_for<Peer>(1'000'000);
        Peer peer;
        peer.submit(work{}); // what is made once at the first task does not count
        await_asleep(1);
        gate held(peer);
        const double before = resident_bytes();
        for (std::size_t i = 0; i < tasks; ++i) {
            peer.submit(work{});
        }
        const double after = resident_bytes();
        if (tally() != 1) {
            std::fputs("the workers were not held\n", stderr);
            std::exit(1);
        }
        held.open();
        await_asleep(1 + tasks);
        tell("bytes_per_queued_task", (after - before) / static_cast<double>(tasks), "bytes");
        tell("tasks", tasks, "tasks");
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<memory>(argc, argv);
}
