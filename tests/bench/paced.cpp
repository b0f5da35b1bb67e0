// SPDX-License-Identifier: MIT
// A submit now and then, as real programs do: every 20 and every 200 microseconds.

#include "pacing.hpp"

namespace {

using namespace faf_bench;

struct paced {
    static constexpr const char* name = "paced";
    static constexpr auto asked =
        the_library + the_library_by_worker + pools + threads_per_task + go + rust + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        pacer<Peer> pace(tell);
        pace.warm_up();
        pace.ask_at(20, how.tasks_for<Peer>(50'000));
        pace.ask_at(200, how.tasks_for<Peer>(5'000));
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<paced>(argc, argv);
}
