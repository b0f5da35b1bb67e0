// SPDX-License-Identifier: MIT
// Signals without SA_RESTART rain on every thread while tasks sleep, wait, are timed, drained and
// shut down: each system call that can be interrupted is.

#include "child.hpp"
#include "eventually.hpp"
#include "signal_storm.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <atomic>
#include <thread>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

/// Has the workers of `pool` take the signals that they usually block.
void expose(faf::thread_pool& pool, int workers) {
    std::atomic<int> exposed{0};
    for (int i = 0; i < workers; ++i) {
        fire_and_forget(pool, [&, workers] {
            let_the_storm_in();
            ++exposed;
            static_cast<void>(eventually([&] { return exposed == workers; })); // one for each
        });
    }
    CHECK(pool.drain(patience));
}

const child in_a_storm("in a storm", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    const signal_storm storm;
    std::size_t id = 0;
    for (int round = 0; round < load(20, 4); ++round) {
        faf::thread_pool pool({.threads = 2, .max_threads = 2, .starvation_after = 0s});
        expose(pool, 2);
        faf::thread_pool full({.threads = 1,
                               .max_pending = 2,
                               .when_full = faf::overflow::wait,
                               .full_wait = patience});
        expose(full, 1);
        for (int i = 0; i < 20; ++i) {
            book.count(fire_and_forget(pool, tracked(book, id++)));
            book.count(fire_and_forget(full, tracked(book, id++)));
            book.count(fire_and_forget(faf::own_thread, tracked(book, id++)));
            book.count(fire_and_forget(pool, {.after = 1ms * i}, tracked(book, id++)));
            book.count(fire_and_forget(pool, [task = tracked(book, id++)]() -> faf::task<> {
                co_await faf::sleep_for(2ms);
                task();
            }));
            std::this_thread::sleep_for(300us); // so that workers fall asleep in between
        }
        CHECK(full.drain(patience));
        CHECK(pool.drain(patience)); // a shutdown would wake the coroutines that sleep
        CHECK((round % 2 == 0 || pool.shutdown(patience)));
        CHECK(faf::drain(patience));
    }
    book.notes[0] = static_cast<long>(id);
    book.notes[1] = signal_storm::handled().load();
});

TEST_CASE("a storm of signals costs no task, no wait, no drain and no shutdown") {
    const outcome end = run(in_a_storm);
    check_exit(end);
    CHECK(end->notes[1] > 0);
    CHECK(end->accepted == static_cast<std::uint64_t>(end->notes[0]));
    CHECK(end->ran == end->accepted);
    for (std::size_t kind = 0; kind < ledger::kinds; ++kind) {
        CAPTURE(kind);
        CHECK(end->reports[kind] == 0);
    }
    for (std::size_t id = 0; id < end->accepted; ++id) {
        REQUIRE(end->tasks[id].ran == 1);
        REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

} // namespace
