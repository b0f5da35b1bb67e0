// SPDX-License-Identifier: MIT

// A task_scope where it can't do what it is for: inside of what it would have to wait for, in a
// forked child, on a thread that ends while it helps, and where its last owner is a task that goes
// with its executor.
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include "child.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <atomic>
#include <csignal>
#include <functional>
#include <latch>
#include <memory>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

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

// The last owner of a scope -----------------------------------------------------------------------

using shared_scope = std::shared_ptr<faf::task_scope>;

std::atomic<int> waiting{0}; // they may outlive what main has
std::latch may_end(1);

faf::task<> wait_for_ever(shared_scope) {
    faf::completion<> never;
    const auto completer = never.completer();
    ++waiting;
    co_await never;
}

faf::task<> sleep_for_long(shared_scope) {
    ++waiting;
    co_await faf::sleep_for(1h);
}

/// Who has it, when all are gone that could still run.
enum class last_owner : long {
    queued_task,
    queued_large_task,
    sink,
    delayed_task,
    repeated_task,
    waiting_coroutine,
    sleeping_coroutine,
    none, ///< how many there are
};

/// Fires members of all kinds, and whoever is to own the scope last. A coroutine is to wait by
/// then, and `keep_busy` sees to it that nothing starts any more.
void fire_all(ledger& book, faf::executor_ref on, const std::function<void(int)>& keep_busy) {
    const auto who = static_cast<last_owner>(book.argument.load());
    auto scope = std::make_shared<faf::task_scope>(on);
    fire_and_forget(*scope, wait_for_ever, shared_scope());
    int coroutines = 1;
    if (who == last_owner::waiting_coroutine || who == last_owner::sleeping_coroutine) {
        fire_and_forget(on, who == last_owner::sleeping_coroutine ? sleep_for_long : wait_for_ever,
                        scope);
        ++coroutines;
    }
    if (who == last_owner::repeated_task) { // which has run once
        fire_and_forget(on, {.every = 1h}, [scope] { ++waiting; });
        ++coroutines;
    }
    keep_busy(coroutines);
    const auto large = [scope, more = std::vector<int>(3)] {};
    if (who == last_owner::queued_task) {
        fire_and_forget(on, [scope] {});
    } else if (who == last_owner::queued_large_task) {
        fire_and_forget(on, {.name = "owner"}, large);
    } else if (who == last_owner::sink) {
        fire_and_forget(on, {.on_error = [scope, &book](const auto& one) { book.count(one); }},
                        [] {});
    } else if (who == last_owner::delayed_task) {
        fire_and_forget(on, {.after = 1h}, large);
    }
    std::size_t id = 0;
    fire_and_forget(*scope, faf_test::tracked(book, id++));
    fire_and_forget(*scope, {.name = "named"}, faf_test::tracked(book, id++));
    fire_and_forget(*scope, {.after = 1h}, faf_test::tracked(book, id++));
    fire_and_forget(*scope, {.every = 1h}, faf_test::tracked(book, id++));
}

/// Lets the coroutines come to where they wait, and then takes the only thread there is.
template <class E>
auto keeping_busy(E& on) {
    return [&on](int coroutines) {
        CHECK(eventually([&] { return waiting == coroutines; }));
        fire_and_forget(on, [] {
            ++waiting;
            may_end.wait();
        });
        CHECK(eventually([&] { return waiting == coroutines + 1; }));
    };
}

const child goes_with_its_pool("a scope that goes with its pool", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    {
        faf::thread_pool pool({.threads = 1, .fixed = true});
        fire_all(book, pool, keeping_busy(pool));
        book.notes[0] = pool.shutdown(10ms) ? 1 : 2;
        may_end.count_down();
        const faf::stats all = pool.snapshot();
        book.notes[1] = all.accepted == all.succeeded + all.failed + all.dropped ? 1 : 2;
    }
});

const child goes_in_order("a scope on a serial executor that goes with its pool", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool({.threads = 1, .fixed = true});
    faf::serial_executor serial(pool);
    fire_all(book, serial, keeping_busy(pool));
    CHECK_FALSE(pool.shutdown(10ms));
    may_end.count_down();
});

const child goes_in_order_by_hand("a scope on a serial executor run by hand", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::testing::manual_executor executor;
    faf::serial_executor serial(executor);
    fire_all(book, serial, [&](int) { executor.run_all(); });
});

const child goes_with_main("a scope that goes with the program", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    CHECK(faf::configure_default_pool({.threads = 1, .fixed = true, .exit_timeout = 10ms}));
    fire_all(book, faf::default_pool(), keeping_busy(faf::default_pool()));
});

const child goes_by_hand("a scope that goes with a manual executor", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::testing::manual_executor executor;
    fire_all(book, executor, [&](int) { executor.run_all(); });
});

TEST_CASE("a scope may go with its last owner, whatever that is, when their executor ends") {
    for (long who = 0; who < static_cast<long>(last_owner::none); ++who) {
        for (const child* const how : {&goes_with_its_pool, &goes_in_order, &goes_in_order_by_hand,
                                       &goes_with_main, &goes_by_hand}) {
            CAPTURE(who, how->name());
            const outcome end = run(*how, who);
            check_exit(end);
            CHECK((end->notes[0] == 2 || how != &goes_with_its_pool));
            CHECK((end->notes[1] == 1 || how != &goes_with_its_pool));
            for (std::size_t id = 0; id < 4; ++id) {
                CHECK(end->tasks[id].constructed == end->tasks[id].destroyed);
            }
            // One member waits, four are queued or delayed, and one of those is only cancelled.
            const std::uint64_t lost = end->ran + end->tasks_reported_as(failure::abandoned) +
                                       end->tasks_reported_as(failure::cancelled);
            CHECK(lost >= 5);
        }
    }
}

const child goes_with_a_job("a scope that goes with a job", [](ledger& book) {
    std::vector<faf::job> jobs;
    const auto later = [&](faf::job work) { jobs.push_back(std::move(work)); };
    auto scope = std::make_shared<faf::task_scope>(later);
    fire_and_forget(later, [scope] {});
    fire_and_forget(*scope, [&] { ++book.notes[0]; });
    scope.reset();
    jobs.erase(jobs.begin()); // it waits for the other one, which stands behind it
});

TEST_CASE("a scope that waits for who drops its last owner says so") {
    const outcome end = run(goes_with_a_job, 0, faf_test::load(5s, 20s));
    CHECK(end.timed_out);
    CHECK(end.lines_with("a task_scope ends with a job that its executor has dropped") == 1);
}

// Where it can't wait -----------------------------------------------------------------------------

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
