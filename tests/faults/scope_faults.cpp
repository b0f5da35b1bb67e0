// SPDX-License-Identifier: MIT

// A task_scope where it can't do what it is for: inside of what it would have to wait for, in a
// forked child, and on a thread that ends while it helps.
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>

#include "child.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <csignal>
#include <memory>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using faf::failure;
using faf::fire_and_forget;
using faf::refusal;
using faf_test::check_exit;
using faf_test::child;
using faf_test::eventually;
using faf_test::ledger;
using faf_test::outcome;
using faf_test::patience;
using faf_test::run;

const child in_its_own_task("a scope that is destroyed in its own task", [](ledger&) {
    faf::thread_pool pool({.threads = 1});
    auto scope = std::make_unique<faf::task_scope>(pool);
    fire_and_forget(*scope, [&] { scope.reset(); });
    pool.drain(patience);
});

const child in_its_turn("a scope that is destroyed in the turn before its task", [](ledger&) {
    faf::thread_pool pool({.threads = 1});
    faf::serial_executor serial(pool);
    fire_and_forget(serial, [&] {
        faf::task_scope scope(serial);
        fire_and_forget(scope, [] {});
    });
    pool.drain(patience);
});

TEST_CASE("a scope that would have to wait for itself says so and ends the program") {
    for (const child* const one : {&in_its_own_task, &in_its_turn}) {
        CAPTURE(one->name());
        const outcome end = run(*one);
        CHECK_FALSE(end.timed_out);
        CHECK((end.signal == SIGABRT || (faf_test::is_sanitized && end.exit_code != 0)));
        CHECK(end.lines_with("a task_scope is destroyed inside one of its own tasks, or where") ==
              1);
    }
}

const child forks("a process that forks beside and inside a scope", [](ledger& book) {
    faf::thread_pool pool({.threads = 1});
    const auto in_child = [&](faf::task_scope& scope, const auto& fork_it) {
        const pid_t pid = fork_it();
        if (pid == 0) {
            const bool is_right = !scope.drain() && scope.cancel_pending() == 0 &&
                                  fire_and_forget(scope, [] {}).why() == refusal::forked_child;
            _exit(is_right ? 7 : 8);
        }
        int status = 0;
        waitpid(pid, &status, 0);
        book.notes[0] += WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 1 : 0;
    };
    faf::task_scope scope(pool);
    fire_and_forget(scope, {.after = 1h}, [] {});
    in_child(scope, [] { return fork(); });
    fire_and_forget(scope, [&] { in_child(scope, [] { return fork(); }); });
    CHECK(eventually([&] { return book.notes[0] == 2; }));
    CHECK_FALSE(scope.drain(0s));
    CHECK(scope.cancel_pending() == 1);
    CHECK(scope.drain(patience));
    if (const pid_t pid = fork(); pid == 0) {
        {
            auto* const left = new faf::task_scope(pool); // of the parent's pool
            _exit(fire_and_forget(*left, [] {}) ? 8 : (delete left, 7));
        }
    } else {
        int status = 0;
        waitpid(pid, &status, 0);
        book.notes[0] += WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 1 : 0;
    }
});

TEST_CASE("a scope refuses in a forked child, and goes on in the parent") {
    if (faf_test::is_sanitized) {
        WARN("left out: a sanitizer does not bear it");
        return;
    }
    const outcome end = run(forks);
    check_exit(end);
    CHECK(end->notes[0] == 3);
}

#if !(defined(_LIBCPP_VERSION) && defined(__linux__)) // see thread_ended_by_task.cpp

const child ends_while_it_helps("a thread that ends while it helps", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1, .fixed = true});
    faf::task_scope outer(pool);
    fire_and_forget(outer, [&] {
        faf::task_scope inner(pool); // ends while its thread does, and still waits
        fire_and_forget(inner, [] { pthread_exit(nullptr); });
        for (std::size_t id = 0; id < 10; ++id) {
            book.count(fire_and_forget(inner, faf_test::tracked(book, id)));
        }
        inner.drain();
        ++book.notes[0]; // it does not come here
    });
    CHECK(outer.drain(patience));
    CHECK(pool.drain(patience));
    CHECK(fire_and_forget(outer, [&] { ++book.notes[1]; }));
    CHECK(outer.drain(patience));
});

TEST_CASE("a thread that is ended by what it helps with ends its scopes, which wait for the rest") {
    const outcome end = run(ends_while_it_helps);
    check_exit(end);
    CHECK(end->ran == 10);
    CHECK(end->reports_of(failure::worker_lost) == 2);
    CHECK(end->notes[0] == 0);
    CHECK(end->notes[1] == 1);
}

#endif

} // namespace
