// SPDX-License-Identifier: MIT
// exit() called by code of the user's that the library calls: it waits for the tasks, but not for
// itself.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/observer.hpp>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

std::atomic<bool> another_exits{false};

/// Whether another thread is to exit, too, and is in the library's part by then. Not before it:
/// where two threads run handlers at the same time, glibc before 2.41 may free its list of them
/// twice.
constexpr long beside_another = 1;

[[noreturn]] void call_exit() {
    child::own_ledger()->leave();
    if (child::own_ledger()->argument == beside_another && !another_exits) {
        std::atexit([] { another_exits = true; });
        std::thread([] { std::exit(7); }).detach();
        while (!another_exits) {
            std::this_thread::yield();
        }
        std::this_thread::sleep_for(50ms);
    }
    std::exit(7);
}

[[noreturn]] void wait_for_the_end() {
    for (;;) {
        std::this_thread::sleep_for(1h);
    }
}

/// A task that goes on for a while when the process has begun to end.
void last_until_the_end() {
    while (child::own_ledger()->left_at == 0) {
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(100ms);
}

/// Fires such a task, and returns when it runs.
void keep_busy(faf::thread_pool& pool, ledger& book) {
    static std::atomic<bool> is_running{false};
    fire_and_forget(pool, [&book] {
        is_running = true;
        last_until_the_end();
        ++book.ran;
    });
    REQUIRE(eventually([] { return is_running.load(); }));
}

/// A closure whose destructor calls exit(), once it is the last one of its copies.
struct exits_when_destroyed {
    std::shared_ptr<int> last = std::make_shared<int>();
    exits_when_destroyed() = default;
    exits_when_destroyed(exits_when_destroyed&&) noexcept = default;
    ~exits_when_destroyed() {
        if (last != nullptr) {
            call_exit();
        }
    }
    void operator()() const {}
};

struct exits_with_its_thread {
    ~exits_with_its_thread() { call_exit(); }
};

struct exits_when_gone : faf::task_observer {
    void gone(void*) override { call_exit(); }
};

const auto exits = [](const faf::error_report&) { call_exit(); };

const child callbacks[] = {
    {"a task's sink",
     [](ledger&) {
         fire_and_forget({.on_error = exits}, [] { throw 1; });
         wait_for_the_end();
     }},
    {"a pool's sink",
     [](ledger&) {
         faf::thread_pool pool({.threads = 1, .on_error = exits});
         fire_and_forget(pool, [] { throw 1; });
         wait_for_the_end();
     }},
    {"the global sink, on a thread of the task's own",
     [](ledger&) {
         faf::set_error_sink(exits);
         fire_and_forget(faf::own_thread, [] { throw 1; });
         wait_for_the_end();
     }},
    {"the sink of a starvation report",
     [](ledger&) {
         static faf::thread_pool pool({.threads = 2,
                                       .max_threads = 2,
                                       .starvation_after = 10ms,
                                       .on_error = [](const faf::error_report& report) {
                                           if (report.kind == failure::starvation) {
                                               call_exit();
                                           }
                                       }});
         for (int i = 0; i < 3; ++i) {
             fire_and_forget(pool, last_until_the_end);
         }
         wait_for_the_end();
     }},
    {"the sink of a coroutine that was resumed",
     [](ledger&) {
         fire_and_forget({.on_error = exits}, []() -> faf::task<> {
             co_await faf::sleep_for(1ms);
             throw 1;
         });
         wait_for_the_end();
     }},
    {"the sink of a task run by its caller",
     [](ledger& book) {
         faf::thread_pool pool({.threads = 1,
                                .max_pending = 1,
                                .when_full = faf::overflow::run_in_caller,
                                .on_error = exits});
         keep_busy(pool, book);
         fire_and_forget(pool, [] {});
         fire_and_forget(pool, [] { throw 1; });
     }},
    {"a task run by its caller",
     [](ledger& book) {
         faf::thread_pool pool(
             {.threads = 1, .max_pending = 1, .when_full = faf::overflow::run_in_caller});
         keep_busy(pool, book);
         fire_and_forget(pool, [] {});
         fire_and_forget(pool, call_exit);
     }},
    {"the destructor of a closure",
     [](ledger&) {
         fire_and_forget(exits_when_destroyed{});
         wait_for_the_end();
     }},
    {"the destructor of a closure that was refused",
     [](ledger&) {
         faf::thread_pool pool({.threads = 1});
         pool.shutdown(0s);
         fire_and_forget(pool, exits_when_destroyed{});
     }},
    {"the end of a task's sink",
     [](ledger&) {
         static std::atomic<bool> is_fired{false};
         {
             const std::shared_ptr<void> last(nullptr, [](void*) { call_exit(); });
             fire_and_forget({.on_error = [last](const faf::error_report&) {}}, [] {
                 while (!is_fired) {
                     std::this_thread::sleep_for(1ms);
                 }
             });
         }
         is_fired = true;
         wait_for_the_end();
     }},
    {"an observer to whom a task is gone",
     [](ledger&) {
         static exits_when_gone observer;
         faf::thread_pool pool({.threads = 1, .observer = &observer});
         fire_and_forget(pool, [] {});
         wait_for_the_end();
     }},
    {"an observer to whom a task is gone that repeats",
     [](ledger&) {
         static exits_when_gone observer;
         faf::thread_pool pool({.threads = 1, .observer = &observer});
         fire_and_forget(pool, {.every = 1ms}, [] { return faf::stop_repeating; });
         wait_for_the_end();
     }},
    {"a thread_local destructor of a worker",
     [](ledger&) {
         faf::thread_pool pool({.threads = 1});
         fire_and_forget(pool, [] { thread_local const exits_with_its_thread at_its_end{}; });
         pool.shutdown(1h);
     }},
    {"a thread_local destructor of a thread of a task's own",
     [](ledger&) {
         fire_and_forget(faf::own_thread,
                         [] { thread_local const exits_with_its_thread at_its_end{}; });
         wait_for_the_end();
     }},
    {"a thread that completes what a coroutine waits for",
     [](ledger&) {
         fire_and_forget([]() -> faf::task<> {
             faf::completion<> done;
             std::thread([complete = done.completer()]() mutable {
                 complete();
                 call_exit();
             }).detach();
             co_await done;
         });
         wait_for_the_end();
     }},
#if defined(__cpp_lib_jthread)
    {"the sink of a task that was cancelled while it waited",
     [](ledger&) {
         static std::stop_source source;
         fire_and_forget({.after = 1h,
                          .stop = source.get_token(),
                          .on_error = {exits, faf::hears::cancelled_too}},
                         [] {});
         source.request_stop();
         wait_for_the_end();
     }},
    {"a stop callback that a task runs",
     [](ledger&) {
         static std::stop_source source;
         static const std::stop_callback at_stop(source.get_token(), call_exit);
         fire_and_forget([] { source.request_stop(); });
         wait_for_the_end();
     }},
#endif
};

TEST_CASE("exit called from inside of the library waits for the tasks, but not for itself") {
    for (const child& one : callbacks) {
        INFO("called by " << one.name());
        const outcome end = run(one);
        check_exit(end, 7);
        CHECK(end.leaving.count() > 0);
        CHECK(end.leaving < load(4s, 60s)); // of the five that it has
    }
}

TEST_CASE("who exits does not wait for tasks, sinks and coroutines that have called exit as well") {
    for (const child& one : callbacks) {
        INFO("called by " << one.name());
        const outcome end = run(one, beside_another);
        check_exit(end, 7);
        CHECK(end.leaving.count() > 0);
        CHECK(end.leaving < load(4s, 60s)); // of the five that it has
    }
}

const child drain_beside_exit("a drain beside exit", [](ledger&) {
    std::atexit([] { std::this_thread::sleep_for(200ms); }); // after the library's part
    fire_and_forget(last_until_the_end);
    fire_and_forget(call_exit);
    child::own_ledger()->notes[0] = faf::drain() ? 1 : 2;
    wait_for_the_end();
});

TEST_CASE("a drain does not take a task for ended that has called exit") {
    const outcome end = run(drain_beside_exit);
    check_exit(end, 7);
    CHECK(end->notes[0] == 0);
}

const child in_task_and_sink("a task and a sink at exit", [](ledger& book) {
    faf::thread_pool pool({.threads = 3, .on_error = exits});
    keep_busy(pool, book);
    fire_and_forget(pool, {.after = 1h}, [] {});
    fire_and_forget(pool, call_exit);
    wait_for_the_end();
});

TEST_CASE("exit called by a task, and again by the sink that hears of it, waits for the others") {
    const outcome end = run(in_task_and_sink);
    check_exit(end, 7);
    CHECK(end->ran == 1);
}

const child in_sink_of_displaced("the sink of a displaced task", [](ledger& book) {
    faf::thread_pool pool({.threads = 1,
                           .max_pending = 1,
                           .when_full = faf::overflow::drop_oldest,
                           .on_error = exits});
    keep_busy(pool, book);
    fire_and_forget(pool, [] {});
    fire_and_forget(pool, [] {});
});

TEST_CASE("exit called by the sink of a displaced task waits for the task that still runs") {
    const outcome end = run(in_sink_of_displaced);
    check_exit(end, 7);
    CHECK(end->ran == 1);
}

} // namespace
