// SPDX-License-Identifier: MIT
// Threads of users that pthread_cancel ends while they call the library: where they wait for
// others, that is the end of the wait; everywhere else the call is finished first.
//
// Not with libc++ on Linux: see thread_ended_by_task.cpp.

#include <version>

#if !(defined(_LIBCPP_VERSION) && defined(__linux__))

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/observer.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <thread>

#include <pthread.h>

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __asan_handle_no_return();
#endif

namespace {

using namespace faf_test;
using faf::fire_and_forget;

void wait_a_while() {
    std::this_thread::sleep_for(20ms);
}

using call = void (*)(ledger&);

struct cancelled_thread {
    call what;
    ledger& book;
    bool has_returned = false;
};

/// Calls it on a thread that is cancelled by then, as soon as it comes to where it may be; true if
/// the call returned.
bool returns_on_a_cancelled_thread(call what, ledger& book) {
    cancelled_thread self{what, book};
    pthread_t thread{};
    const auto body = [](void* with) -> void* {
        auto& its = *static_cast<cancelled_thread*>(with);
        int before = 0;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        pthread_cancel(pthread_self());
        pthread_setcancelstate(before, nullptr);
        its.what(its.book);
        its.has_returned = true;
#if defined(__SANITIZE_ADDRESS__)
        __asan_handle_no_return(); // it does not see the stack being unwound from here
#endif
        pthread_testcancel();
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, nullptr, body, &self) == 0);
    void* result = nullptr;
    REQUIRE(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
    return self.has_returned;
}

/// Fires a task that counts some time later, and waits until it runs, but by no call of the system:
/// that would end the thread.
template <class Executor>
void have_one_running(Executor& at, ledger& book) {
    const auto has_begun = std::make_shared<std::atomic<bool>>(false);
    fire_and_forget(at, [&book, has_begun] {
        *has_begun = true;
        wait_a_while();
        ++book.ran;
    });
    while (!*has_begun) {
        std::this_thread::yield();
    }
}

class waits_at_its_end : public faf::task_observer {
    void gone(void*) override { wait_a_while(); }
};

faf::task<> count_later(ledger& book) {
    co_await faf::sleep_for(20ms);
    ++book.ran;
}

/// Each has one task count.
constexpr call whole_calls[] = {
    [](ledger& book) { // which has to find out what it may use of the machine
        fire_and_forget([&book] { ++book.ran; });
    },
    [](ledger& book) { fire_and_forget({.after = 1ms}, [&book] { ++book.ran; }); },
    [](ledger& book) { fire_and_forget(faf::own_thread, [&book] { ++book.ran; }); },
    [](ledger& book) {
        faf::thread_pool pool({.threads = 1});
        have_one_running(pool, book);
    },
    [](ledger& book) {
        faf::thread_pool pool({.threads = 1, .wake_up = faf::wake::by_worker});
        have_one_running(pool, book);
    },
    [](ledger& book) {
        faf::thread_pool pool({.threads = 1});
        faf::task_scope scope(pool);
        have_one_running(scope, book);
    },
    [](ledger& book) { faf::sync_wait(count_later(book)); },
    [](ledger& book) { // as who drops a job, for which a scope waits
        faf::detail::write_stderr("", 0);
        ++book.ran;
    },
    [](ledger& book) { // an observer hears of what is dropped here
        waits_at_its_end observer;
        faf::thread_pool pool({.threads = 1,
                               .max_pending = 1,
                               .when_full = faf::overflow::drop_oldest,
                               .observer = &observer,
                               .on_error = [](const faf::error_report&) {}});
        have_one_running(pool, book);
        fire_and_forget(pool, [] {});
        fire_and_forget(pool, [] {});
    },
};

const child finishes_it("a cancelled thread finishes its call", [](ledger& book) {
    book.notes[0] = returns_on_a_cancelled_thread(whole_calls[book.argument], book) ? 1 : 0;
    CHECK(faf::drain(patience));
});

TEST_CASE("a thread that is cancelled finishes the call of the library that it is in") {
    for (std::size_t i = 0; i < std::size(whole_calls); ++i) {
        CAPTURE(i);
        const outcome end = run(finishes_it, static_cast<long>(i));
        check_exit(end);
        CHECK(end->notes[0] == 1);
        CHECK(end->ran == 1);
    }
}

const child exits("a cancelled thread calls exit", [](ledger& book) {
    std::atexit([] { std::_Exit(3); }); // what the system does next may be cancelled
    fire_and_forget([&book] {
        wait_a_while();
        ++book.ran;
    });
    static_cast<void>(returns_on_a_cancelled_thread([](ledger&) { std::exit(0); }, book));
});

TEST_CASE("exit called by a thread that is cancelled ends the program when the tasks have run") {
    const outcome end = run(exits);
    check_exit(end, 3);
    CHECK(end->ran == 1);
}

std::atomic<bool> may_go_on{false};

void fire_one_that_stays(faf::thread_pool& pool, ledger& book) {
    fire_and_forget(pool, [&book] {
        while (!may_go_on) {
            std::this_thread::yield();
        }
        ++book.ran;
    });
}

faf::thread_pool* full = nullptr; // two tasks are there, of which one runs

constexpr call waits[] = {
    [](ledger&) { full->drain(); },
    [](ledger&) { full->shutdown(); },
    [](ledger&) { fire_and_forget(*full, [] {}); },
};

const child leaves_it("a cancelled thread leaves its wait", [](ledger& book) {
    faf::thread_pool pool({.threads = 1,
                           .fixed = true,
                           .max_pending = 1,
                           .when_full = faf::overflow::wait,
                           .full_wait = patience});
    full = &pool;
    fire_one_that_stays(pool, book);
    CHECK(eventually([&] { return pool.snapshot().running == 1; }));
    fire_one_that_stays(pool, book);
    book.notes[0] = returns_on_a_cancelled_thread(waits[book.argument], book) ? 1 : 0;
    may_go_on = true;
    CHECK(pool.drain(patience));
    CHECK(pool.shutdown(patience));
    const faf::stats all = pool.snapshot();
    CHECK(all.accepted == 2);
    CHECK(all.succeeded == 2);
});

std::atomic<bool> has_left{false};
std::atomic<bool> is_asked{false};

/// Keeps its thread, which has left its pool by then, until another one has asked for its end.
struct lasting_end {
    ~lasting_end() {
        has_left = true;
        while (!is_asked) {
            std::this_thread::yield();
        }
        wait_a_while(); // so that the other one waits by now
    }
};

const child joins_late("a cancelled thread waits for who joins", [](ledger& book) {
    faf::thread_pool pool({.threads = 1});
    full = &pool;
    fire_and_forget(pool, [&book] {
        static thread_local const lasting_end stays;
        static_cast<void>(&stays);
        ++book.ran;
    });
    std::thread joins([&] { book.notes[2] = pool.shutdown(patience) ? 1 : 0; });
    CHECK(eventually([] { return has_left.load(); }));
    const call shut_down_too = [](ledger& its) {
        is_asked = true;
        its.notes[1] = full->shutdown() ? 1 : 0;
    };
    book.notes[0] = returns_on_a_cancelled_thread(shut_down_too, book) ? 1 : 0;
    joins.join();
});

TEST_CASE(
    "a cancelled thread that shuts a pool down ended the program where another one did, too") {
    const outcome end = run(joins_late);
    check_exit(end);
    for (std::size_t i = 0; i < 3; ++i) {
        CAPTURE(i);
        CHECK(end->notes[i] == 1);
    }
    CHECK(end->ran == 1);
}

TEST_CASE("a thread that is cancelled leaves a wait of the library, and the executor goes on") {
    if (is_sanitized) {
        return; // they lose track of a thread that is ended in a call of the system
    }
    for (std::size_t i = 0; i < std::size(waits); ++i) {
        CAPTURE(i);
        const outcome end = run(leaves_it, static_cast<long>(i));
        check_exit(end);
        CHECK(end->notes[0] == 0);
        CHECK(end->ran == 2);
    }
}

} // namespace

#endif
