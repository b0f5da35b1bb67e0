// SPDX-License-Identifier: MIT
// Tasks fired before main, after main, and while threads end: each runs, or is refused and
// reported.

#include "child.hpp"
#include "eventually.hpp"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>

namespace {

using namespace faf_test;
using faf::fire_and_forget;

/// Fires task `id` for the child whose ledger this process has.
void fire_tracked(std::size_t id) {
    ledger& book = *child::own_ledger();
    book.count(fire_and_forget(tracked(book, id)));
}

/// That exactly the tasks below `count` that were accepted ran; each refusal has its line.
void check_fates(const outcome& of, std::uint64_t count) {
    CHECK(of->accepted + of->refused == count);
    CHECK(of->ran == of->accepted);
    CHECK(of.lines_with("was refused") == of->refused);
    for (std::size_t id = 0; id < count; ++id) {
        CAPTURE(id);
        CHECK(of->tasks[id].ran <= 1);
        CHECK(of->tasks[id].constructed == of->tasks[id].destroyed);
    }
}

struct early_bird {
    early_bird() {
        if (child::is_running("fires before main")) {
            fire_tracked(0);
        }
    }
    ~early_bird() {
        if (child::is_running("fires before main")) {
            fire_tracked(1);
        }
    }
};
const early_bird before_main;

const child fires_before_main("fires before main", [](ledger& book) {
    CHECK(eventually([&] { return book.ran == 1; }));
});

TEST_CASE("a task fired by a static constructor runs, one fired by its destructor is not lost") {
    const outcome end = run(fires_before_main);
    check_exit(end);
    CHECK(end->tasks[0].ran == 1);
    check_fates(end, 2);
}

struct fires_at_the_end {
    std::size_t id;
    ~fires_at_the_end() { fire_tracked(id); }
};

const child fires_after_main("fires after main", [](ledger&) {
    // Made before the pool's first use, so it outlives the exit step; the other one doesn't.
    static const fires_at_the_end outer{0};
    fire_tracked(1);
    static const fires_at_the_end inner{2};
});

TEST_CASE("static destructors may fire: before the exit step it runs, after it it is refused") {
    const outcome end = run(fires_after_main);
    check_exit(end);
    CHECK(end->tasks[1].ran == 1);
    CHECK(end->tasks[2].ran == 1);
    CHECK(end->tasks[0].ran == 0);
    CHECK(end->refused == 1);
    CHECK(end.lines_with("static_lifetime.cpp") == 1);
    CHECK(end.lines_with("the executor is shutting down") == 1);
    check_fates(end, 3);
}

const child fires_first_after_main("fires first after main",
                                   [](ledger&) { static const fires_at_the_end first{0}; });

TEST_CASE("a program whose first task comes from a static destructor runs it") {
    const outcome end = run(fires_first_after_main);
    check_exit(end);
    CHECK(end->accepted == 1);
    check_fates(end, 1);
}

const child fires_at_exit("fires at exit", [](ledger&) {
    std::atexit([] { fire_tracked(0); });
    fire_tracked(1);
    std::atexit([] {
        fire_tracked(2);
        fire_and_forget(faf::own_thread, tracked(*child::own_ledger(), 3));
        ++child::own_ledger()->accepted;
    });
});

TEST_CASE("atexit handlers may fire, registered before the first task or after it") {
    const outcome end = run(fires_at_exit);
    check_exit(end);
    CHECK(end->tasks[1].ran == 1);
    CHECK(end->tasks[2].ran == 1);
    CHECK(end->tasks[3].ran == 1);
    check_fates(end, 4);
}

const child refused_at_exit("refused at exit", [](ledger&) {
    std::atexit([] {
        for (std::size_t id = 0; id < 1000; ++id) {
            fire_tracked(id);
        }
    });
    fire_tracked(1000);
});

TEST_CASE("refusals after the exit step are all spoken for on standard error") {
    const outcome end = run(refused_at_exit);
    check_exit(end);
    CHECK(end->refused == 1000);
    // However the lines are grouped, the numbers must add up.
    std::size_t told = 0;
    for (std::size_t at = 0; (at = end.errors.find("was refused: ", at)) != std::string::npos;
         ++at) {
        ++told;
    }
    for (std::size_t at = 0;
         (at = end.errors.find(" more reports that task", at)) != std::string::npos; ++at) {
        const std::size_t digits = end.errors.find_last_of(' ', at - 1) + 1;
        told += std::stoul(end.errors.substr(digits));
    }
    CHECK(told == 1000);
}

struct fires_at_thread_end {
    std::size_t id = 0;
    ~fires_at_thread_end() {
        if (id != 0) {
            fire_tracked(id);
        }
    }
};
thread_local fires_at_thread_end at_thread_end;

const child fires_at_mains_end("fires at main's end", [](ledger&) {
    at_thread_end.id = 1; // runs when main has returned
    fire_tracked(0);
});

TEST_CASE("a thread_local destructor of main may fire") {
    const outcome end = run(fires_at_mains_end);
    check_exit(end);
    CHECK(end->tasks[0].ran == 1);
    check_fates(end, 2);
}

const child fires_at_workers_end("fires at a worker's end", [](ledger& book) {
    {
        faf::thread_pool pool({.threads = 2, .max_threads = 2});
        fire_and_forget(pool, [] { at_thread_end.id = 1; });
        fire_and_forget(faf::own_thread, [] { at_thread_end.id = 2; });
    }
    CHECK(eventually([&] { return book.accepted + book.refused == 2; }));
    // A worker of the default pool ends at shutdown(), and fires at the pool that it leaves.
    fire_and_forget([] { at_thread_end.id = 3; });
    faf::shutdown(patience);
});

TEST_CASE("a thread_local destructor of a worker may fire") {
    const outcome end = run(fires_at_workers_end);
    check_exit(end);
    CHECK(end->tasks[1].ran == 1);
    CHECK(end->tasks[2].ran == 1);
    CHECK(end->refused == 1);
    CHECK(end->accepted == 2);
    CHECK(end.lines_with("was refused") == 1);
}

/// Fires into a pool that is being drained by the exit step, until it is refused.
const child fires_throughout_exit("fires throughout exit", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    for (int i = 0; i < 2; ++i) {
        std::thread([&book] {
            while (book.refused < 1000) {
                book.count(fire_and_forget([&book] { ++book.ran; }));
            }
        }).detach();
    }
    CHECK(eventually([&] { return book.ran > 100; }));
});

TEST_CASE("threads that fire throughout the exit are served or refused") {
    for (int i = 0; i < load(20, 5); ++i) {
        const outcome end = run(fires_throughout_exit);
        check_exit(end);
        check_leaving(end, 5s);
        CHECK(end->ran + end->tasks_reported_as(faf::failure::abandoned) >= end->accepted);
    }
}

/// A sink that refers to something with static storage must not be called when that is gone.
const child sink_with_static_state("sink with static state", [](ledger& book) {
    static std::atomic<bool> is_gone{false};
    struct log {
        std::unique_ptr<int> lines = std::make_unique<int>(0);
        ~log() { is_gone = true; }
    };
    std::atexit([] { fire_tracked(1); }); // fires after the exit step
    fire_tracked(0);
    static log state;
    faf::set_error_sink([&book](const faf::error_report&) {
        book.notes[0] += is_gone ? 1 : 0;
        book.notes[1] += 1;
    });
});

TEST_CASE("the global sink is let go of at exit: later reports go to standard error") {
    const outcome end = run(sink_with_static_state);
    check_exit(end);
    CHECK(end->notes[0] == 0);
    CHECK(end->refused == 1);
    CHECK(end->notes[1] == 0);
    check_fates(end, 2);
}

} // namespace
