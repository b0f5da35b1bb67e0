// SPDX-License-Identifier: MIT
// How far apart may tasks come until each finds the workers asleep? What paced.cpp asks, from a
// task each 5 microseconds to one each 20 milliseconds.

#include "pacing.hpp"

#include <algorithm>
#include <cstddef>

namespace {

using namespace faf_bench;

#if defined(BENCH_HAS_TBB)
constexpr peers<tbb_arena> one_tbb;
#else
constexpr peers<> one_tbb;
#endif

struct gaps {
    static constexpr const char* name = "gaps";
    static constexpr auto asked =
        the_library + the_library_by_caller + the_library_by_worker + one_tbb + rust;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        pacer<Peer> pace(tell);
        pace.warm_up();
        for (const std::size_t gap :
             {5U, 10U, 20U, 50U, 100U, 200U, 500U, 1'000U, 2'000U, 5'000U, 10'000U, 20'000U}) {
            pace.ask_at(gap, std::max<std::size_t>(how.tasks_for<Peer>(500'000 / gap), 30));
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<gaps>(argc, argv);
}
