// SPDX-License-Identifier: MIT
// A process that forks after the library's first use: what its child may do, and that neither
// hangs.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::refusal;

// ThreadSanitizer ends a forked child that starts a thread, and AddressSanitizer's own malloc hangs
// in one if another thread was in it.
#if defined(FIRE_AND_FORGET_HAS_TSAN) || defined(FIRE_AND_FORGET_HAS_ASAN)
constexpr bool can_fork = false;
#else
constexpr bool can_fork = true;
#endif

enum note : std::size_t { step, children, hung, worst, seen };

/// After so many a forked child is ended that hangs.
constexpr unsigned most_seconds = static_cast<unsigned>(life_of_child.count());

bool may_fork() {
    if (!can_fork) {
        WARN("left out: a sanitizer does not bear it");
    }
    return can_fork;
}

/// The exit code of a forked child, -1 if it was killed.
int wait_for(pid_t pid) {
    int status = 0;
    REQUIRE(pid > 0);
    while (waitpid(pid, &status, 0) < 0) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Runs `body` in a forked child, which then ends; answers with its exit code.
template <class Body>
int in_fork(Body body) {
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(most_seconds);
        body();
        std::exit(0);
    }
    return wait_for(pid);
}

void check(bool holds, int line) {
    if (!holds) {
        std::fprintf(stderr, "line %d does not hold in a forked child\n", line);
        _exit(99);
    }
}
#define CHECK_IN_CHILD(...) check(static_cast<bool>(__VA_ARGS__), __LINE__)

void use_default_pool(ledger& book) {
    for (int i = 0; i < 10; ++i) {
        REQUIRE(fire_and_forget([&book] { ++book.notes[seen]; }));
    }
    CHECK(faf::drain(patience));
}

// The default pool ------------------------------------------------------------------------------

const child fires("fires in a child", [](ledger& book) {
    use_default_pool(book);
    book.notes[step] = in_fork([&] {
        CHECK_IN_CHILD(faf::snapshot().accepted == 0);
        for (std::size_t id = 0; id < 100; ++id) {
            book.count(fire_and_forget(tracked(book, id)));
        }
        CHECK_IN_CHILD(faf::snapshot().accepted == 100);
        CHECK_IN_CHILD(faf::drain(patience));
        CHECK_IN_CHILD(faf::snapshot().succeeded == 100);
        for (std::size_t id = 100; id < 200; ++id) { // these are left to the end
            book.count(fire_and_forget(tracked(book, id)));
        }
    });
    CHECK(faf::snapshot().succeeded == 10);
});

TEST_CASE("what a forked child fires at the default pool runs there, at its exit at the latest") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(fires);
    check_exit(end);
    CHECK(end->notes[step] == 0);
    CHECK(end->accepted == 200);
    CHECK(end->ran == 200);
    for (std::size_t id = 0; id < 200; ++id) {
        CHECK(end->tasks[id].ran == 1);
        CHECK(end->tasks[id].constructed == end->tasks[id].destroyed);
    }
}

const child daemon_like("daemon", [](ledger& book) {
    use_default_pool(book);
    if (fork() > 0) {
        _exit(0);
    }
    alarm(most_seconds);
    setsid();
    for (std::size_t id = 0; id < 1000; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
    }
});

TEST_CASE(
    "a program that becomes a daemon after its first use goes on firing, and drains at its exit") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(daemon_like);
    CHECK(eventually([&] { return end->ran == 1000 && end->accepted == 1000; }));
}

const child held_reference("held reference", [](ledger& book) {
    faf::thread_pool& pool = faf::default_pool();
    use_default_pool(book);
    book.notes[step] = in_fork([&] {
        CHECK_IN_CHILD(pool.snapshot().accepted == 0);
        for (std::size_t id = 0; id < 100; ++id) {
            book.count(fire_and_forget(pool, tracked(book, id)));
        }
        CHECK_IN_CHILD(pool.drain(patience));
        CHECK_IN_CHILD(book.ran == 100);
        CHECK_IN_CHILD(faf::default_pool().snapshot().succeeded == 100);
    });
});

TEST_CASE("a reference to the default pool from before a fork is good in the child") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(held_reference);
    check_exit(end);
    CHECK(end->notes[step] == 0);
    CHECK(end->accepted == 100);
    CHECK(end->refused == 0);
}

const child parents_tasks("parent's tasks", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.threads = 1, .max_threads = 1}));
    static std::atomic<bool> may_end{false};
    fire_and_forget([] { may_end.wait(false); });
    CHECK(eventually([] { return faf::snapshot().running == 1; }));
    for (std::size_t id = 0; id < 100; ++id) {
        book.count(fire_and_forget(tracked(book, id)));
        book.count(fire_and_forget({.after = 1ms}, tracked(book, 100 + id)));
    }
    faf::set_error_sink(book.counting_sink());
    book.notes[step] = in_fork([&] {
        may_end = true;
        may_end.notify_all();
        CHECK_IN_CHILD(fire_and_forget([] {}));
        CHECK_IN_CHILD(faf::drain(patience));
        CHECK_IN_CHILD(faf::snapshot().accepted == 1);
    });
    book.notes[seen] = static_cast<long>(book.ran.load());
    may_end = true;
    may_end.notify_all();
    CHECK(faf::drain(patience));
});

TEST_CASE("a forked child neither runs nor reports what its parent has queued") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(parents_tasks);
    check_exit(end);
    CHECK(end->notes[step] == 0);
    CHECK(end->notes[seen] == 0);
    CHECK(end->ran == 200);
    CHECK(end->reports_of(failure::abandoned) == 0);
}

// Everything else that comes without making it ----------------------------------------------------

faf::task<void> sleep_and_note(ledger& book) {
    co_await faf::sleep_for(2ms);
    ++book.notes[worst];
}

const child other_means("other means", [](ledger& book) {
    faf::limit_own_threads(3);
    use_default_pool(book);
    fire_and_forget(sleep_and_note, std::ref(book));
    fire_and_forget(faf::own_thread, [&book] { ++book.notes[worst]; });
    fire_and_forget({.after = 1ms}, [&book] { ++book.notes[worst]; });
    CHECK(faf::drain(patience));
    book.notes[worst] = 0;
    book.notes[step] = in_fork([&] {
        CHECK_IN_CHILD(fire_and_forget(sleep_and_note, std::ref(book)));
        CHECK_IN_CHILD(fire_and_forget(faf::own_thread, [&book] { ++book.notes[worst]; }));
        CHECK_IN_CHILD(fire_and_forget({.after = 1ms}, [&book] { ++book.notes[worst]; }));
        std::atomic<int> rounds{0};
        CHECK_IN_CHILD(fire_and_forget({.every = 1ms}, [&rounds] {
            return ++rounds == 3 ? faf::stop_repeating : faf::keep_repeating;
        }));
        CHECK_IN_CHILD(faf::drain(patience));
        CHECK_IN_CHILD(eventually([&] { return rounds == 3; }));
        CHECK_IN_CHILD(book.notes[worst] == 3);
        faf::thread_pool own({.threads = 1});
        CHECK_IN_CHILD(fire_and_forget(own, [&book] { ++book.notes[worst]; }));
        CHECK_IN_CHILD(own.shutdown(patience));
        CHECK_IN_CHILD(book.notes[worst] == 4);
    });
});

TEST_CASE("timers, coroutines, own threads and new pools work in a forked child") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(other_means);
    check_exit(end);
    CHECK(end->notes[step] == 0);
}

const child settings_go_on("settings", [](ledger& book) {
    static ledger& shared = book;
    REQUIRE(faf::configure_default_pool({.threads = 3, .max_threads = 3, .name = "mine"}));
    faf::set_error_sink(book.counting_sink());
    use_default_pool(book);
    book.notes[step] = in_fork([&] {
        CHECK_IN_CHILD(!faf::configure_default_pool({.threads = 1}));
        CHECK_IN_CHILD(fire_and_forget([] {
            std::array<char, 16> name{};
            pthread_getname_np(pthread_self(), name.data(), name.size());
            shared.notes[worst] = std::string_view(name.data()).substr(0, 5) == "mine/" ? 1 : 0;
            throw 1;
        }));
        CHECK_IN_CHILD(faf::drain(patience));
        CHECK_IN_CHILD(book.reports_of(failure::exception) == 1);
    });
});

const child sink_of_pool_goes_on("sink of the pool", [](ledger& book) {
    REQUIRE(faf::configure_default_pool({.on_error = book.counting_sink()}));
    use_default_pool(book);
    book.notes[step] = in_fork([&] {
        CHECK_IN_CHILD(fire_and_forget([] { throw 1; }));
        CHECK_IN_CHILD(faf::drain(patience));
        CHECK_IN_CHILD(book.reports_of(failure::exception) == 1);
    });
});

TEST_CASE("the sinks and options of a program go on in a forked child") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(settings_go_on);
    check_exit(end);
    CHECK(end->notes[step] == 0);
    CHECK(end->notes[worst] == 1);
    const outcome pool = run(sink_of_pool_goes_on);
    check_exit(pool);
    CHECK(pool->notes[step] == 0);
}

const child generations("generations", [](ledger& book) {
    use_default_pool(book);
    faf::thread_pool of_first({.threads = 1});
    const auto descend = [&](auto& self, long depth) -> void {
        if (depth == 0) {
            return;
        }
        const int code = in_fork([&] {
            CHECK_IN_CHILD(fire_and_forget([&book] { ++book.notes[worst]; }));
            CHECK_IN_CHILD(fire_and_forget(of_first, [] {}).why() == refusal::forked_child);
            CHECK_IN_CHILD(faf::drain(patience));
            self(self, depth - 1);
            CHECK_IN_CHILD(fire_and_forget([&book] { ++book.notes[worst]; }));
        });
        check(code == 0, __LINE__);
    };
    faf::set_error_sink([](const faf::error_report&) {});
    descend(descend, 4);
});

TEST_CASE("children of children fire as well") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(generations);
    check_exit(end);
    CHECK(end->notes[worst] == 8);
}

// Own pools of the parent -------------------------------------------------------------------------

const child own_pools("own pools", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    {
        faf::thread_pool plain({.threads = 2});
        faf::thread_pool bounded(
            {.threads = 1, .max_pending = 10, .when_full = faf::overflow::wait});
        faf::thread_pool napping({.threads = 1, .wake_up = faf::wake::by_worker});
        for (faf::thread_pool* pool : {&plain, &bounded, &napping}) {
            fire_and_forget(*pool, [] {});
            CHECK(pool->drain(patience));
        }
        book.notes[step] = in_fork([&] {
            std::size_t id = 0;
            for (faf::thread_pool* pool : {&plain, &bounded, &napping}) {
                const auto expect = [&](faf::submission answer) {
                    book.count(answer);
                    CHECK_IN_CHILD(answer.why() == refusal::forked_child);
                };
                expect(fire_and_forget(*pool, tracked(book, id++)));
                expect(fire_and_forget(*pool, {.name = "named"}, tracked(book, id++)));
                expect(fire_and_forget(*pool, {.after = 1ms}, tracked(book, id++)));
                expect(fire_and_forget(*pool, {.every = 1ms}, tracked(book, id++)));
                std::array<char, 200> large{};
                expect(fire_and_forget(*pool, [large] { static_cast<void>(large); }));
                CHECK_IN_CHILD(!pool->drain(patience));
                CHECK_IN_CHILD(!pool->shutdown(patience));
                CHECK_IN_CHILD(pool->snapshot().refused == 5);
                CHECK_IN_CHILD(pool->snapshot().accepted == 0);
            }
            // their destructors come with the child's end
            plain.~thread_pool();
            bounded.~thread_pool();
            napping.~thread_pool();
        });
        for (faf::thread_pool* pool : {&plain, &bounded, &napping}) {
            CHECK(fire_and_forget(*pool, [] {}));
            CHECK(pool->drain(patience));
            CHECK(pool->snapshot().accepted == 2);
        }
    }
});

TEST_CASE("a pool of the parent refuses in a forked child, says so, and does not hold up its end") {
    if (!may_fork()) {
        return;
    }
    const outcome end = run(own_pools);
    check_exit(end);
    CHECK(end->notes[step] == 0);
    CHECK(end->refused == 15);
    CHECK(end->reports_of(failure::refused) == 15);
    CHECK(end->ran == 0);
}

// Forks on the library's threads ------------------------------------------------------------------

enum class way : long { exits, leaves_at_once, returns, fails };

const child forking_task("forking task", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink(book.counting_sink());
    const auto kind = static_cast<way>(book.argument.load() % 4);
    const auto forks = [kind] {
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(most_seconds);
            for (std::size_t id = 0; id < 100; ++id) {
                shared.count(fire_and_forget(tracked(shared, id)));
            }
            if (kind == way::leaves_at_once) {
                check(faf::drain(patience), __LINE__);
                _exit(0);
            }
            if (kind == way::exits) {
                std::exit(0);
            }
            if (kind == way::fails) {
                throw 1;
            }
            return;
        }
        shared.notes[step] = wait_for(pid);
        ++shared.notes[seen];
    };
    faf::thread_pool pool({.threads = 1, .max_pending = 10});
    switch (book.argument / 4) {
    case 0:
        fire_and_forget(forks);
        break;
    case 1:
        fire_and_forget(pool, {.name = "forks"}, forks);
        break;
    case 2:
        fire_and_forget(faf::own_thread, forks);
        break;
    default:
        fire_and_forget({.every = 1h}, [forks] {
            forks();
            return faf::stop_repeating;
        });
        break;
    }
    CHECK(eventually([&] { return shared.notes[seen] == 1; }));
    CHECK(pool.drain(patience));
    CHECK(faf::drain(patience));
});

TEST_CASE("a task may fork: what the child fires runs, and the child ends where the task returns") {
    if (!may_fork()) {
        return;
    }
    for (long argument = 0; argument < 16; ++argument) {
        CAPTURE(argument);
        const outcome end = run(forking_task, argument);
        check_exit(end);
        CHECK(end->notes[step] == 0);
        CHECK(end->notes[seen] == 1);
        CHECK(end->accepted == 100);
        CHECK(end->ran == 100);
        const bool fails = static_cast<way>(argument % 4) == way::fails;
        CHECK(end->reports_of(failure::exception) == (fails ? 1 : 0));
    }
}

const child forking_sink("forking sink", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink([](const faf::error_report& report) {
        shared.count(report);
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(most_seconds);
            for (std::size_t id = 0; id < 100; ++id) {
                shared.count(fire_and_forget(tracked(shared, id)));
            }
            if (shared.argument == 0) {
                std::exit(0);
            }
            return;
        }
        shared.notes[step] = wait_for(pid);
        ++shared.notes[seen];
    });
    fire_and_forget([] { throw 1; });
    CHECK(eventually([&] { return shared.notes[seen] == 1; }));
    CHECK(faf::drain(patience));
});

TEST_CASE("a sink may fork") {
    if (!may_fork()) {
        return;
    }
    for (const long returns : {0, 1}) {
        CAPTURE(returns);
        const outcome end = run(forking_sink, returns);
        check_exit(end);
        CHECK(end->notes[step] == 0);
        CHECK(end->accepted == 100);
        CHECK(end->ran == 100);
        CHECK(end->reports_of(failure::exception) == 1);
    }
}

const child fork_at_the_end("fork in the sink of what is abandoned", [](ledger& book) {
    static ledger& shared = book;
    static std::atomic<bool> goes_on{false};
    static std::atomic<bool> has_forked{false};
    const auto fork_once = [](const faf::error_report& report) {
        if (report.kind != failure::abandoned || has_forked.exchange(true)) {
            return;
        }
        const pid_t pid = fork();
        if (pid == 0) { // and goes on as main
            alarm(most_seconds);
            return;
        }
        int status = -1;
        waitpid(pid, &status, 0); // where Catch2 may have ended
        shared.notes[step] = status;
        ++shared.notes[seen];
    };
    const auto keep_worker = [] { eventually([] { return goes_on.load(); }); };
    if (book.argument == 1) {
        REQUIRE(faf::configure_default_pool(
            {.threads = 1, .exit_timeout = 10ms, .on_error = fork_once}));
        fire_and_forget(keep_worker);
        fire_and_forget([] {});
        return; // to exit, which gives up both
    }
    faf::thread_pool pool({.threads = 1, .on_error = fork_once});
    fire_and_forget(pool, keep_worker);
    fire_and_forget(pool, [] {});
    CHECK_FALSE(pool.shutdown(10ms));
    goes_on = true;
});

TEST_CASE("a sink may fork while its pool ends, on the thread that ends it") {
    if (!may_fork()) {
        return;
    }
    for (const long at_exit : {0, 1}) {
        CAPTURE(at_exit);
        const outcome end = run(fork_at_the_end, at_exit);
        check_exit(end);
        CHECK(end->notes[step] == 0);
        CHECK(end->notes[seen] == 1);
    }
}

// Under load --------------------------------------------------------------------------------------

/// Threads that hold each lock of the library now and then.
void keep_busy(std::atomic<bool>& is_over, int which) {
    while (!is_over) {
        std::this_thread::sleep_for(100us); // the children need processors, too
        switch (which) {
        case 0: // many plain tasks
            for (int i = 0; i < 100; ++i) {
                fire_and_forget([] {});
            }
            static_cast<void>(faf::drain(patience)); // a large queue makes fork slow
            break;
        case 1: { // pools come and go
            faf::thread_pool pool({.threads = 1, .max_pending = 2});
            fire_and_forget(pool, [] {});
            fire_and_forget(pool, {.after = 10us}, [] {});
            static_cast<void>(pool.snapshot());
            break;
        }
        case 2: // reports, on standard error and on a sink
            fire_and_forget({.name = "fails"}, [] { throw 1; });
            faf::set_error_sink([](const faf::error_report&) {});
            fire_and_forget([] { throw 2; });
            faf::set_error_sink({});
            static_cast<void>(faf::snapshot());
            break;
        default: // coroutines, timers, threads
            fire_and_forget([]() -> faf::task<void> { co_await faf::sleep_for(10us); });
            fire_and_forget(faf::own_thread, [] {});
            std::thread([] { fire_and_forget({.priority = faf::priority::low}, [] {}); }).join();
            break;
        }
    }
}

const child under_load("under load", [](ledger& book) {
    const long rounds = book.argument;
    std::atomic<bool> is_over{false};
    std::vector<std::thread> others;
    for (int which = 0; which < 4; ++which) {
        others.emplace_back(keep_busy, std::ref(is_over), which);
    }
    for (long round = 0; round < rounds; ++round) {
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(most_seconds);
            for (int i = 0; i < 100; ++i) {
                book.count(fire_and_forget([&book] { ++book.ran; }));
            }
            if (round % 2 == 0) {
                if (!faf::drain(patience)) {
                    _exit(1);
                }
                _exit(0);
            }
            std::exit(0);
        }
        book.notes[hung] += wait_for(pid) == 0 ? 0 : 1;
        ++book.notes[children];
    }
    is_over = true;
    for (std::thread& one : others) {
        one.join();
    }
});

TEST_CASE("two thousand forks under load: no child hangs or loses what it fires") {
    if (!may_fork()) {
        return;
    }
    const long rounds = load(2000, 200);
    const outcome end = run(under_load, rounds, 600s);
    check_exit(end);
    CHECK(end->notes[children] == rounds);
    CHECK(end->notes[hung] == 0);
    CHECK(end->accepted == static_cast<std::uint64_t>(rounds) * 100);
    CHECK(end->ran == static_cast<std::uint64_t>(rounds) * 100);
}

const child first_uses("first uses", [](ledger& book) {
    for (long round = 0; round < book.argument; ++round) {
        // The library's very first use and a fork meet in this child.
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(most_seconds);
            std::atomic<bool> goes{false};
            std::thread other([&] {
                goes = true;
                faf::set_error_sink([](const faf::error_report&) {});
                fire_and_forget([] {});
            });
            while (!goes) {
            }
            for (long spin = round * 20 % 3000; spin > 0; --spin) {
                asm volatile("");
            }
            const int code = in_fork([&] {
                CHECK_IN_CHILD(fire_and_forget([&book] { ++book.ran; }));
                CHECK_IN_CHILD(faf::drain(patience));
                _exit(0);
            });
            other.join();
            _exit(code);
        }
        book.notes[hung] += wait_for(pid) == 0 ? 0 : 1;
    }
});

TEST_CASE("a fork in the middle of the library's first use leaves the child able to use it") {
    if (!may_fork()) {
        return;
    }
    const long rounds = load(500, 100);
    const outcome end = run(first_uses, rounds, 600s);
    check_exit(end);
    CHECK(end->notes[hung] == 0);
    CHECK(end->ran == static_cast<std::uint64_t>(rounds));
}

const child spawning("spawning", [](ledger& book) {
    use_default_pool(book);
    for (int i = 0; i < 100; ++i) {
        pid_t pid = 0;
        std::array<char, 5> name{'t', 'r', 'u', 'e', '\0'};
        std::array<char*, 2> arguments{name.data(), nullptr};
        REQUIRE(posix_spawn(&pid, "/bin/true", nullptr, nullptr, arguments.data(), nullptr) == 0);
        CHECK(wait_for(pid) == 0);
        CHECK(fire_and_forget([&book] { ++book.notes[seen]; }));
    }
    CHECK(faf::drain(patience));
});

TEST_CASE("starting other programs changes nothing") {
    const outcome end = run(spawning);
    check_exit(end);
    CHECK(end->notes[seen] == 110);
}

} // namespace
