// SPDX-License-Identifier: MIT
// More tasks want a thread of their own than may have one.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <string_view>
#include <thread>

#include <pthread.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

bool has_thread_of_its_own() {
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    const std::string_view shown(name.data());
    return shown == "faf/own" || shown == "stands" || shown == "moves";
}

const child third_of_two("third of two", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink(book.counting_sink());
    faf::limit_own_threads(2);
    static std::atomic<bool> may_end{false};
    static std::atomic<int> begun{0};
    static std::atomic<int> with_own{0};
    const auto stand = [] {
        with_own += has_thread_of_its_own() ? 1 : 0;
        ++begun;
        may_end.wait(false);
    };
    for (int i = 0; i < 5; ++i) {
        const faf::submission answer = fire_and_forget(faf::own_thread, {.name = "stands"}, stand);
        book.count(answer);
        CHECK(answer.why() == (i < 2 ? faf::refusal::none : faf::refusal::no_thread));
    }
    CHECK(eventually([&] { return begun == 2; }));
    book.notes[0] = with_own;
    static std::atomic<int> runs{0};
    book.count(fire_and_forget(faf::own_thread, {.after = 1ms}, [] {
        shared.notes[1] = has_thread_of_its_own() ? 1 : 0;
        ++shared.ran;
    }));
    book.count(fire_and_forget(faf::own_thread, {.every = 1ms}, [] {
        shared.notes[2] += has_thread_of_its_own() ? 1 : 0;
        return ++runs == 5 ? faf::stop_repeating : faf::keep_repeating;
    }));
    std::this_thread::sleep_for(5ms); // they are due, and wait
    CHECK(shared.ran == 0);
    CHECK(runs == 0);
    may_end = true;
    may_end.notify_all();
    CHECK(eventually([] { return shared.ran == 1 && runs == 5; }));
    CHECK(faf::drain(patience));
    const std::uint64_t refused = book.refused;
    CHECK(eventually([&] { // the others may still be about to end
        const faf::submission answer = fire_and_forget(faf::own_thread, [] {});
        book.count(answer);
        return static_cast<bool>(answer);
    }));
    CHECK(faf::drain(patience));
    const faf::stats now = faf::snapshot();
    CHECK(now.accepted == now.succeeded);
    CHECK(now.pending + now.running == 0);
    CHECK(now.refused == book.refused);
    book.notes[3] = static_cast<long>(refused);
});

TEST_CASE("tasks beyond the limit of own_thread are refused, and delayed ones wait for a thread") {
    const outcome end = run(third_of_two);
    check_exit(end);
    CHECK(end->accepted == 5);
    CHECK(end->notes[0] == 2);
    CHECK(end->notes[1] == 1);
    CHECK(end->notes[2] == 5);
    CHECK(end->notes[3] == 3);
    CHECK(end->reports_of(failure::refused) == end->refused);
    for (std::size_t kind = 0; kind < ledger::kinds; ++kind) {
        CHECK((end->reports[kind] == 0 || static_cast<failure>(kind) == failure::refused));
    }
}

const child none_allowed("no threads of their own allowed", [](ledger& book) {
    static ledger& shared = book;
    faf::set_error_sink(book.counting_sink());
    faf::limit_own_threads(0);
    static std::atomic<bool> may_end{false};
    for (int i = 0; i < 10; ++i) {
        book.count(fire_and_forget(faf::own_thread, {.after = 1ms}, [] {
            ++shared.notes[0];
            may_end.wait(false);
            ++shared.ran;
        }));
        if (i == 0) {
            CHECK(eventually([] { return shared.notes[0] == 1; }));
        }
        std::this_thread::sleep_for(2ms); // so that a further one finds no room
    }
    faf::thread_pool other({.threads = 1});
    std::atomic<bool> has_fired{false};
    fire_and_forget(other, {.after = 1ms}, [&] { has_fired = true; });
    CHECK(eventually([&] { return has_fired.load(); })); // nobody keeps the keeper
    CHECK(book.notes[0] == 1);
    may_end = true;
    may_end.notify_all();
    CHECK(faf::drain(patience));
});

TEST_CASE("timers of own_thread run one after another where no threads are allowed") {
    const outcome end = run(none_allowed);
    check_exit(end);
    CHECK(end->accepted == 10);
    CHECK(end->ran == end->accepted);
}

const child limited_at_exit("limited at exit", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    REQUIRE(faf::configure_default_pool({.exit_timeout = patience}));
    faf::limit_own_threads(1);
    book.count(fire_and_forget(tracked(book, 200)));
    for (std::size_t id = 0; id < 200; ++id) { // in crowds, so that many are too many
        book.count(fire_and_forget(faf::own_thread,
                                   {.after = std::chrono::milliseconds(100 + id / 50)},
                                   tracked(book, id)));
    }
});

TEST_CASE("timers of own_thread beyond its limit run when the program exits, once each") {
    for (int round = 0; round < load(10, 3); ++round) {
        const outcome end = run(limited_at_exit);
        check_exit(end);
        CHECK(end->accepted == 201);
        CHECK(end->tasks_reported_as(failure::refused) == 0);
        for (std::size_t id = 0; id <= 200; ++id) {
            REQUIRE(end->tasks[id].ran == 1);
            REQUIRE(end->tasks[id].constructed == end->tasks[id].destroyed);
        }
    }
}

} // namespace

const child coroutines_beyond("coroutines beyond the limit", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::limit_own_threads(2);
    static std::atomic<int> inside{0};
    static std::atomic<int> most{0};
    static ledger& shared = book;
    faf::thread_pool pool({.threads = 1});
    for (int i = 0; i < 40; ++i) { // not fired there: they would be refused
        book.count(fire_and_forget(pool, {.name = "moves"}, []() -> faf::task<> {
            co_await faf::resume_on(faf::own_thread);
            for (int turn = 0; turn < 3; ++turn) {
                const int now = ++inside;
                int before = most;
                while (before < now && !most.compare_exchange_weak(before, now)) {
                }
                std::this_thread::sleep_for(200us);
                shared.notes[1] += has_thread_of_its_own() ? 1 : 0;
                --inside;
                co_await faf::yield();
            }
            ++shared.ran;
        }));
    }
    CHECK(eventually([] { return shared.ran == 40; }));
    CHECK(pool.drain(patience));
    book.notes[0] = most;
    CHECK(pool.snapshot().succeeded == 40);
});

TEST_CASE("coroutines that go on on threads of their own wait for one within the limit") {
    const outcome end = run(coroutines_beyond);
    check_exit(end);
    CHECK(end->ran == 40);
    CHECK(end->notes[0] <= 2);
    CHECK(end->notes[1] == 120);
}
