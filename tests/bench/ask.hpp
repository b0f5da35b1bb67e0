// SPDX-License-Identifier: MIT
#pragma once

// The frame of every benchmark: asks each peer the same question, prints what it answers.
//
// A question is a struct with a name, the list of those it is put to, and
// `measure<Peer>(settings, answer)`. Every peer is measured in a process of its own, forked before
// anything has happened, so that nobody inherits another's heap or sleeping threads.

#include "peers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace faf_bench {

struct settings {
    bool is_quick = false;   ///< a smoke test: a fiftieth of the tasks
    std::size_t rotate = 0;  ///< which peer begins
    std::size_t tasks = 0;   ///< instead of the question's own number
    double seconds = 10;     ///< how long the idle are watched
    std::string_view peer{}; ///< measure only this one, in this process
    std::string series{};    ///< the file for what is observed over time; empty: none

    /// How many tasks a peer is given where the library is given `full`.
    template <class Peer>
    std::size_t tasks_for(std::size_t full) const {
        return full / (Peer::has_thread_per_task ? 100 : 1) / (is_quick ? 50 : 1);
    }

    static settings read(int argc, char** argv) {
        settings how;
        for (int i = 1; i < argc; ++i) {
            const std::string_view argument = argv[i];
            const std::size_t equals = std::min(argument.find('='), argument.size());
            const std::string_view key = argument.substr(0, equals);
            const char* const value = argv[i] + std::min(equals + 1, argument.size());
            if (key == "--quick") {
                how.is_quick = std::strcmp(value, "no") != 0;
            } else if (key == "--rotate") {
                how.rotate = std::strtoull(value, nullptr, 10);
            } else if (key == "--tasks") {
                how.tasks = std::strtoull(value, nullptr, 10);
            } else if (key == "--seconds") {
                how.seconds = std::strtod(value, nullptr);
            } else if (key == "--peer") {
                how.peer = value;
            } else if (key == "--series") {
                how.series = value;
            } else {
                std::fprintf(stderr,
                             "usage: %s [--quick] [--rotate=n] [--peer=name] [--tasks=n] "
                             "[--seconds=n] [--series=file]\n",
                             argv[0]);
                std::exit(2);
            }
        }
        return how;
    }
};

/// Prints the lines question,peer,metric,value,unit.
struct answer {
    const char* question;
    const char* peer;

    template <class Number>
    void operator()(const std::string& metric, Number value, const char* unit) const {
        if constexpr (std::is_integral_v<Number>) {
            std::printf("%s,%s,%s,%lld,%s\n", question, peer, metric.c_str(),
                        static_cast<long long>(value), unit);
        } else {
            std::printf("%s,%s,%s,%.7g,%s\n", question, peer, metric.c_str(), value, unit);
        }
    }
};

template <class Peer>
concept can_grow = requires(const Peer& peer) {
    peer.threads();
};

/// How many threads a pool has come to that may grow.
template <class Peer>
void tell_threads(const answer& tell, const Peer& peer) {
    if constexpr (can_grow<Peer>) {
        tell("threads", peer.threads(), "threads");
    }
}

template <class Question, class Peer>
void measure(const settings& how) {
    if constexpr (is_program<Peer>) {
        Peer::answer_and_exit(Question::name, how.is_quick, how.seconds);
    } else {
        Question::template measure<Peer>(how, answer{Question::name, Peer::name});
    }
}

/// A question during which the peers have nothing to do may be put to all of them at the same time.
template <class Question>
constexpr bool are_asked_at_once = requires {
    Question::is_asked_at_once;
};

template <class Question, class... Peers>
int ask(const settings& how, peers<Peers...>) {
    constexpr int longest_s = 600;
    struct one {
        const char* name;
        void (*measure)(const settings&);
    };
    const one all[] = {{Peers::name, &measure<Question, Peers>}...};
    int failures = 0;
    std::vector<std::pair<pid_t, const char*>> asked;
    const auto await_answers = [&] {
        for (const auto& [child, name] : asked) {
            int status = 0;
            if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
                std::fprintf(stderr, "%s: %s failed (status %d)\n", Question::name, name, status);
                ++failures;
            }
        }
        asked.clear();
    };
    for (std::size_t i = 0; i < std::size(all); ++i) {
        const one& next = all[(i + how.rotate) % std::size(all)];
        if (!how.peer.empty()) {
            if (how.peer == next.name) {
                next.measure(how);
            }
            continue;
        }
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(longest_s);
            next.measure(how);
            std::exit(0);
        }
        asked.emplace_back(child, next.name);
        if constexpr (!are_asked_at_once<Question>) {
            await_answers();
        }
    }
    await_answers();
    return failures == 0 ? 0 : 1;
}

/// The main function of a question.
template <class Question>
int ask(int argc, char** argv) {
    return ask<Question>(settings::read(argc, argv), Question::asked);
}

} // namespace faf_bench
