// SPDX-License-Identifier: MIT
// Tasks that end the thread they run on, by pthread_exit or by being cancelled.
//
// Not with libc++ on Linux: glibc unwinds such a thread with GCC's run-time library, and LLVM's
// crashes over the first destructor or catch (...) on the way, without any library of ours.

#include <version>

#if !(defined(_LIBCPP_VERSION) && defined(__linux__))

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/serial_executor.hpp>

#include <atomic>
#include <string>
#include <thread>

#include <malloc.h>
#include <pthread.h>

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __asan_handle_no_return();
#endif

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

void leave_by_exit() {
    pthread_exit(nullptr);
}

/// A point where this thread may be cancelled.
void may_be_cancelled_here() {
#if defined(__SANITIZE_ADDRESS__)
    __asan_handle_no_return(); // it does not see the stack being unwound from here
#endif
    pthread_testcancel();
}

void leave_by_cancellation() {
    pthread_cancel(pthread_self());
    for (;;) {
        may_be_cancelled_here();
    }
}

using way_to_leave = void (*)();
constexpr way_to_leave ways_to_leave[] = {&leave_by_exit, &leave_by_cancellation};

/// Fires one task that ends its thread and many others around it.
template <class Executor>
void lose_a_worker(ledger& book, Executor& pool) {
    const way_to_leave leave = ways_to_leave[book.argument];
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
    }
    book.count(fire_and_forget(pool, [task = tracked(book, 1000), leave] { leave(); }));
    for (std::size_t id = 100; id < 200; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
    }
}

void write_down(ledger& book, const faf::stats& counters) {
    book.notes[0] = static_cast<long>(counters.accepted);
    book.notes[1] = static_cast<long>(counters.succeeded);
    book.notes[2] = static_cast<long>(counters.failed);
    book.notes[3] = static_cast<long>(counters.dropped);
    book.notes[4] = static_cast<long>(counters.pending + counters.running);
}

void check_one_lost(const outcome& of) {
    check_exit(of);
    CHECK(of->ran == 200);
    CHECK(of->reports_of(failure::worker_lost) == 1);
    CHECK(of->tasks_reported_as(failure::worker_lost) == 1);
    CHECK(of->tasks[1000].constructed == 1);
    CHECK(of->tasks[1000].destroyed == 1);
    CHECK(of->notes[0] == 201);
    CHECK(of->notes[1] == 200);
    CHECK(of->notes[2] == 1);
    CHECK(of->notes[3] == 0);
    CHECK(of->notes[4] == 0);
}

const child pool_of_one("pool of one loses its worker", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    lose_a_worker(book, pool);
    CHECK(pool.drain(patience));
    write_down(book, pool.snapshot());
    // Drained and without a worker: the next task gets one.
    CHECK(eventually([&] { return pool.snapshot().threads <= 1; }));
    CHECK(pool.shutdown(patience));
    CHECK(pool.snapshot().threads == 0);
});

TEST_CASE("a task that ends the only worker is reported once and the others run") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        check_one_lost(run(pool_of_one, way));
    }
}

const child turn_of_a_strand("a turn of a serial executor loses its worker", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    faf::serial_executor serial(pool);
    lose_a_worker(book, serial);
    CHECK(pool.drain(patience));
    write_down(book, pool.snapshot());
});

TEST_CASE("a task that ends its worker in the turn of a serial executor is reported once, and the "
          "others have another turn") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        check_one_lost(run(turn_of_a_strand, way));
    }
}

const child first_of_a_run("the first of a run loses its worker", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    std::atomic<bool> is_open{false};
    fire_and_forget(pool, [&] { is_open.wait(false); }); // so that the rest is taken together
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(pool, tracked(book, id)));
        if (id % 20 == 17) {
            book.count(fire_and_forget(pool, [leave = ways_to_leave[book.argument]] { leave(); }));
        }
    }
    is_open = true;
    is_open.notify_all();
    CHECK(pool.drain(patience));
    write_down(book, pool.snapshot());
});

TEST_CASE("what was taken together with a task that ends its worker is run by others") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        const outcome end = run(first_of_a_run, way);
        check_exit(end);
        CHECK(end->ran == 100);
        CHECK(end->reports_of(failure::worker_lost) == 5);
        CHECK(end->notes[0] == 106);
        CHECK(end->notes[2] == 5);
        CHECK(end->notes[3] == 0);
        CHECK(end->notes[4] == 0);
    }
}

const child nobody_waits("nobody waits", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    static faf::thread_pool pool({.threads = 1});
    lose_a_worker(book, pool);
    // No drain, which would start a worker itself.
    CHECK(eventually([&] { return book.ran == 200; }));
    write_down(book, pool.snapshot());
});

TEST_CASE("a lost worker is replaced at once if tasks wait") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        const outcome end = run(nobody_waits, way);
        check_exit(end);
        CHECK(end->ran == 200);
    }
}

const child default_pool("default pool loses a worker", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    lose_a_worker(book, faf::default_pool());
    CHECK(faf::drain(patience));
    write_down(book, faf::snapshot());
});

TEST_CASE("a task that ends a worker of the default pool is reported once and the others run") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        check_one_lost(run(default_pool, way));
    }
}

const child last_task("the last task ends the worker", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    const way_to_leave leave = ways_to_leave[book.argument];
    for (int i = 0; i < 10; ++i) {
        fire_and_forget(pool, [leave] { leave(); });
        CHECK(pool.drain(patience));
        fire_and_forget(pool, [&book] { ++book.ran; });
        CHECK(pool.drain(patience));
    }
    write_down(book, pool.snapshot());
});

TEST_CASE("a pool that has lost its last worker starts another for the next task") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        const outcome end = run(last_task, way);
        check_exit(end);
        CHECK(end->ran == 10);
        CHECK(end->reports_of(failure::worker_lost) == 10);
        CHECK(end->notes[1] == 10);
        CHECK(end->notes[2] == 10);
    }
}

const child own_thread("own_thread ends", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    const way_to_leave leave = ways_to_leave[book.argument];
    book.count(fire_and_forget(faf::own_thread, [task = tracked(book, 1000), leave] { leave(); }));
    for (std::size_t id = 0; id < 200; ++id) {
        book.count(fire_and_forget(faf::own_thread, tracked(book, id)));
    }
    CHECK(faf::drain(patience));
    write_down(book, faf::snapshot());
});

TEST_CASE("a task that ends a thread of its own is reported once") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        check_one_lost(run(own_thread, way));
    }
}

const child on_error("worker lost, own sink", [](ledger& book) {
    static ledger& shared = book;
    const way_to_leave leave = ways_to_leave[book.argument];
    fire_and_forget({.name = "leaver",
                     .on_error =
                         [](const faf::error_report& report) {
                             shared.count(report);
                             shared.notes[0] += report.task == "leaver" ? 1 : 0;
                             shared.notes[1] += report.exception == nullptr ? 1 : 0;
                             shared.notes[2] += report.where.line() != 0 ? 1 : 0;
                         }},
                    [leave] { leave(); });
});

TEST_CASE("the task's own sink hears that it ended its thread") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        const outcome end = run(on_error, way);
        check_exit(end);
        CHECK(end->reports_of(failure::worker_lost) == 1);
        CHECK(end->notes[0] == 1);
        CHECK(end->notes[1] == 1);
        CHECK(end->notes[2] == 1);
        CHECK(end.lines_with("[fire_and_forget]") == 0);
    }
}

const child many_lost("many workers lost", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    REQUIRE(faf::configure_default_pool({.threads = 1}));
    const auto memory_mapped = [] {
        long pages = 0;
        if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
            CHECK(std::fscanf(file, "%ld", &pages) == 1);
            std::fclose(file);
        }
        return pages * 4096;
    };
    mallopt(M_ARENA_MAX, 1); // else each new thread maps an arena as well
    const long before = memory_mapped();
    for (int i = 0; i < 400; ++i) {
        fire_and_forget(&leave_by_exit);
    }
    CHECK(faf::drain(patience));
    book.notes[0] = memory_mapped() - before;
    book.notes[1] = static_cast<long>(faf::snapshot().failed);
});

TEST_CASE("lost workers leave nothing behind") {
    const outcome end = run(many_lost);
    check_exit(end);
    CHECK(end->reports_of(failure::worker_lost) == 400);
    CHECK(end->notes[1] == 400);
    if (!is_sanitized) {
        // A thread that nobody joins or detaches keeps its stack of 8 MiB.
        CHECK(end->notes[0] < 100 * 8L * 1024 * 1024);
    }
}

const child cancelled_from_outside("cancelled from outside", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1});
    std::atomic<pthread_t> victim{};
    std::atomic<bool> has_begun{false};
    fire_and_forget(pool, [&] {
        victim = pthread_self();
        has_begun = true;
        for (;;) { // no sleep: ThreadSanitizer loses track of a thread cancelled in a system call
            may_be_cancelled_here();
            std::this_thread::yield();
        }
    });
    CHECK(eventually([&] { return has_begun.load(); }));
    fire_and_forget(pool, [&book] { ++book.ran; });
    pthread_cancel(victim);
    CHECK(pool.drain(patience));
    write_down(book, pool.snapshot());
});

TEST_CASE("a worker that another thread cancels is replaced") {
    const outcome end = run(cancelled_from_outside);
    check_exit(end);
    CHECK(end->ran == 1);
    CHECK(end->reports_of(failure::worker_lost) == 1);
    CHECK(end->notes[1] == 1);
    CHECK(end->notes[2] == 1);
}

const child lost_at_exit("worker lost at exit", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.threads = 1}));
    faf::set_error_sink(book.counting_sink());
    lose_a_worker(book, faf::default_pool());
});

TEST_CASE("a worker lost while the program exits is replaced, and the queue runs") {
    for (const long way : {0, 1}) {
        CAPTURE(way);
        const outcome end = run(lost_at_exit, way);
        check_exit(end);
        CHECK(end.leaving < load(4s, 60s));
        CHECK(end->ran == 200);
        CHECK(end->reports_of(failure::worker_lost) == 1);
    }
}

const child repeats_and_leaves("repeats and leaves", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    const way_to_leave leave = ways_to_leave[book.argument % 2];
    const auto body = [&book, leave, kept = tracked(book, 0)] {
        if (++book.ran % 2 == 1) {
            leave();
        }
        return book.ran < 10 ? faf::keep_repeating : faf::stop_repeating;
    };
    faf::thread_pool pool({.threads = 1, .max_pending = 1});
    if (book.argument < 2) {
        fire_and_forget(pool, {.every = 1ms}, body);
    } else {
        fire_and_forget(faf::own_thread, {.every = 1ms}, body);
    }
    CHECK(eventually([&] { return book.ran == 10; }));
    CHECK(eventually([&] { return book.tasks[0].destroyed == book.tasks[0].constructed - 1; }));
    CHECK(eventually([&] { return bool(fire_and_forget(pool, [] {})); })); // its place is free
});

TEST_CASE("a task that repeats goes on after a run that has ended its thread") {
    for (long how = 0; how < 4; ++how) {
        CAPTURE(how);
        const outcome end = run(repeats_and_leaves, how);
        check_exit(end);
        CHECK(end->ran == 10);
        CHECK(end->reports_of(failure::worker_lost) == 5);
        CHECK(end->tasks_reported_as(failure::worker_lost) == 5);
    }
}

} // namespace

#endif
