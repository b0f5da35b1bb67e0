// SPDX-License-Identifier: MIT
// What instructions.sh runs under callgrind: submits of the 32-byte task while the workers are
// held. Only what happens inside submit_loop is counted. On its own it prints the names of the
// peers.

#include "ask.hpp"
#include "gate.hpp"
#include "tally.hpp"

#include <cstddef>
#include <cstdio>
#include <type_traits>

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

template <class Peer>
[[gnu::noinline]] void submit_loop(Peer& peer, std::size_t tasks) {
    for (std::size_t i = 0; i < tasks; ++i) {
        peer.submit(work{});
    }
}

struct instructions {
    static constexpr const char* name = "instructions";
    static constexpr auto asked = the_fixed_library + pools + peers<empty_loop>{} + the_limit;

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
            submit_loop(peer, tasks);
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
