// SPDX-License-Identifier: MIT
// What instructions.sh runs under callgrind: submits of the 32-byte task while the workers are
// held, and then what the workers do. On its own it prints the names of the peers.
//
// A worker takes many tasks at once as long as that is soon done, by a clock that callgrind does
// not slow down as it does the tasks. So where there is one worker, no time passes for it until all
// are done.

#include "ask.hpp"
#include "gate.hpp"
#include "tally.hpp"

#include <cstddef>
#include <cstdio>
#include <ctime>
#include <type_traits>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

namespace {

thread_local bool does_time_pass = true;
thread_local timespec now_for_ever{};

} // namespace

/// This program's own stands before the real one; the linker finds it first.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    if (does_time_pass) {
        return static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    }
    *now = now_for_ever;
    return 0;
}

namespace {

using namespace faf_bench;

/// What the loop itself costs.
struct empty_loop {
    static constexpr const char* name = "empty_loop";
    static constexpr unsigned workers = 0;

    template <class Fn>
    void submit(const Fn& task) {
        asm volatile("" : : "m"(task) : "memory");
    }
};

/// A worker that has no other beside it, and so takes tasks in runs though the pool may not grow.
class pool_of_one {
public:
    static constexpr const char* name = "fire_and_forget/one_thread";
    static constexpr unsigned workers = 1;

    template <class Fn>
    void submit(Fn fn) {
        faf::fire_and_forget(pool_, std::move(fn));
    }

private:
    faf::thread_pool pool_{{.threads = 1, .fixed = true}};
};

template <class Peer>
[[gnu::noinline]] void submit_loop(Peer& peer, std::size_t tasks) {
    for (std::size_t i = 0; i < tasks; ++i) {
        peer.submit(work{});
    }
}

struct instructions {
    static constexpr const char* name = "instructions";
    static constexpr auto asked =
        peers<pool_of_one>{} + the_fixed_library + pools + peers<empty_loop>{} + the_limit;

    template <class Peer>
    static void measure(const settings& how, const answer&) {
        if (how.tasks == 0) {
            std::puts(Peer::name);
        } else if constexpr (std::is_constructible_v<Peer, std::size_t>) {
            Peer peer(how.tasks + 1);
            submit_held(peer, how.tasks);
        } else {
            Peer peer;
            submit_held(peer, how.tasks);
        }
    }

private:
    template <class Peer>
    static void submit_held(Peer& peer, std::size_t tasks) {
        {
            gate held(peer);
            if constexpr (Peer::workers == 1) {
                peer.submit([] {
                    ::clock_gettime(CLOCK_MONOTONIC, &now_for_ever);
                    does_time_pass = false;
                });
            }
            submit_loop(peer, tasks);
            if constexpr (Peer::workers == 1) {
                peer.submit([] { does_time_pass = true; });
            }
        }
        if (Peer::workers > 0) {
            await_asleep(tasks);
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<instructions>(argc, argv);
}
