// SPDX-License-Identifier: MIT
#pragma once

// Who is measured. All have the same face: made without arguments, they have `workers` threads that
// run what `submit` is given; `settle`, where there is one, clears up what the caller has to clear.

#include "bare_ring.hpp"
#include "library_peers.hpp"
#include "pool_peers.hpp"

#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

namespace faf_bench {

// One thread for each task: these are asked the same questions with a hundredth of the tasks.

class async_futures {
public:
    static constexpr const char* name = "std::async";
    static constexpr unsigned workers = 1;
    static constexpr bool has_thread_per_task = true;

    /// The future is kept, because the destructor of one that is dropped waits for its task.
    template <class Fn>
    void submit(Fn fn) {
        kept_.push_back(std::async(std::launch::async, std::move(fn)));
    }

    void settle() { kept_.clear(); }

private:
    static inline thread_local std::vector<std::future<void>> kept_;
};

class detached_threads {
public:
    static constexpr const char* name = "std::thread";
    static constexpr unsigned workers = 1;
    static constexpr bool has_thread_per_task = true;

    template <class Fn>
    void submit(Fn fn) {
        std::thread(std::move(fn)).detach();
    }
};

// Those of other languages are programs, which are asked the same questions and print the same
// lines.

[[noreturn]] inline void become(const char* program, std::vector<std::string> arguments) {
    std::vector<char*> words;
    for (std::string& argument : arguments) {
        words.push_back(argument.data());
    }
    words.push_back(nullptr);
    ::execv(program, words.data());
    std::perror(program);
    std::_Exit(1);
}

#if defined(BENCH_GO_PROGRAM)
[[noreturn]] inline void become_go(const char* peer, const char* question, bool is_quick,
                                   double seconds) {
    become(BENCH_GO_PROGRAM,
           {"go", std::string("--peer=") + peer, "--seconds=" + std::to_string(seconds),
            is_quick ? "--quick" : "--quick=false", question});
}

/// Go's own statement.
struct go_statement {
    static constexpr const char* name = "Go";
    [[noreturn]] static void answer_and_exit(const char* question, bool is_quick, double seconds) {
        become_go(name, question, is_quick, seconds);
    }
};

/// Go's timer that takes a function, where the statement takes a goroutine that sleeps.
struct go_after_func {
    static constexpr const char* name = "Go/AfterFunc";
    [[noreturn]] static void answer_and_exit(const char* question, bool is_quick, double seconds) {
        become_go(name, question, is_quick, seconds);
    }
};
#endif

#if defined(BENCH_NODE_PROGRAM)
[[noreturn]] inline void become_node(const char* peer, const char* question, bool is_quick) {
    become(BENCH_NODE_PROGRAM,
           {"node", BENCH_NODE_SCRIPT, peer, question, is_quick ? "--quick" : "--quick=no"});
}

struct node_timeout {
    static constexpr const char* name = "Node";
    [[noreturn]] static void answer_and_exit(const char* question, bool is_quick, double) {
        become_node(name, question, is_quick);
    }
};

/// The promise of a timer, with a catch.
struct node_promise {
    static constexpr const char* name = "Node/promise";
    [[noreturn]] static void answer_and_exit(const char* question, bool is_quick, double) {
        become_node(name, question, is_quick);
    }
};
#endif

#if defined(BENCH_RUST_PROGRAM)
/// tokio's runtime with two workers; the caller is no task of it, as in a program that is not
/// asynchronous throughout.
struct tokio {
    static constexpr const char* name = "tokio";
    [[noreturn]] static void answer_and_exit(const char* question, bool is_quick, double seconds) {
        become(BENCH_RUST_PROGRAM, {"tokio", "--seconds=" + std::to_string(seconds),
                                    is_quick ? "--quick" : "--quick=no", question});
    }
};
#endif

template <class Peer>
concept is_program = requires {
    &Peer::answer_and_exit;
};

template <class... Peers>
struct peers {};

template <class... Left, class... Right>
constexpr peers<Left..., Right...> operator+(peers<Left...>, peers<Right...>) noexcept {
    return {};
}

inline constexpr peers<library_pool<as_it_comes>> the_library;
inline constexpr peers<library_pool<fixed_in_size>> the_fixed_library; ///< also where gates are
inline constexpr peers<library_pool<woken_by_caller>> the_library_by_caller;
inline constexpr peers<library_pool<woken_by_worker>> the_library_by_worker;
inline constexpr peers<library_default_pool> the_default_pool;
inline constexpr auto best_pools = peers<mutex_pool>{}
#if defined(BENCH_HAS_TBB)
                                   + peers<tbb_arena>{}
#endif
#if defined(BENCH_HAS_ASIO)
                                   + peers<asio_pool>{}
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
                                   + peers<moodycamel_pool>{}
#endif
;
/// With those, too, that were never the best where all were asked. Questions that take them long
/// are put to the best only.
inline constexpr auto pools = best_pools
#if defined(BENCH_HAS_BOOST)
                              + peers<boost_asio_pool>{}
#endif
#if defined(BENCH_HAS_QT)
                              + peers<qt_pool>{}
#endif
#if defined(BENCH_HAS_GLIB)
                              + peers<glib_pool>{}
#endif
;
inline constexpr peers<async_futures, detached_threads> threads_per_task;
inline constexpr peers<bare_ring> the_limit;
#if defined(BENCH_GO_PROGRAM)
inline constexpr peers<go_statement> go;
inline constexpr peers<go_after_func> go_timers;
#else
inline constexpr peers<> go;
inline constexpr peers<> go_timers;
#endif
#if defined(BENCH_RUST_PROGRAM)
inline constexpr peers<tokio> rust;
#else
inline constexpr peers<> rust;
#endif
#if defined(BENCH_NODE_PROGRAM)
inline constexpr peers<node_timeout, node_promise> node;
#else
inline constexpr peers<> node;
#endif

template <class Peer>
void settle(Peer& peer) {
    if constexpr (requires { peer.settle(); }) {
        peer.settle();
    }
}

} // namespace faf_bench
