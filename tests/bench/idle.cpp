// SPDX-License-Identifier: MIT
// What does a pool cost that has nothing to do? CPU time and wake-ups in the ten seconds that begin
// a tenth of a second after a burst. Each counts its own, so all are asked at the same time.

#include "ask.hpp"
#include "tally.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace faf_bench;

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

long voluntary_switches(const std::filesystem::path& thread) {
    std::ifstream status(thread / "status");
    for (std::string key; status >> key;) {
        if (key == "voluntary_ctxt_switches:") {
            long switches = 0;
            status >> switches;
            return switches;
        }
    }
    return 0;
}

/// A thread that leaves its core of its own accord is woken later. The measuring thread's own do
/// not count.
long wake_ups() {
    const std::string self = std::to_string(::gettid());
    long sum = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        sum += thread.path().filename() == self ? 0 : voluntary_switches(thread.path());
    }
    return sum;
}

struct idle {
    static constexpr const char* name = "idle";
    static constexpr auto asked = the_library + the_library_by_worker + pools + go + rust;
    static constexpr bool is_asked_at_once = true;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::size_t tasks = how.tasks_for<Peer>(100'000);
        Peer peer;
        for (std::size_t i = 0; i < tasks; ++i) {
            peer.submit(work{});
        }
        await_asleep(tasks);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));

        const double seconds = how.is_quick ? 0.5 : how.seconds;
        const long wake_ups_before = wake_ups();
        const double cpu_before = cpu_seconds(); // inside, so that reading /proc does not count
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        const double used = cpu_seconds() - cpu_before;
        const long woken = wake_ups() - wake_ups_before;
        tell("cpu_ms_per_second", 1e3 * used / seconds, "ms");
        tell("wake_ups_per_second", static_cast<double>(woken) / seconds, "1/s");
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<idle>(argc, argv);
}
