// SPDX-License-Identifier: MIT
#include <fire_and_forget/async_mutex.hpp>
#include <fire_and_forget/executor.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/sync_wait.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"
#include "virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf_test::eventually;
using faf_test::patience;
using namespace std::chrono_literals;

faf::task<int> after(std::chrono::nanoseconds time, int value) {
    co_await faf::sleep_for(time);
    co_return value;
}
faf::task<int> fail_after(std::chrono::nanoseconds time, const char* why) {
    co_await faf::sleep_for(time);
    throw std::runtime_error(why);
}
faf::task<> note_end(std::vector<int>& ends, int value, std::chrono::nanoseconds time) {
    struct at_end {
        std::vector<int>& all;
        int its;
        ~at_end() { all.push_back(its); }
    };
    const at_end noted{ends, value};
    co_await faf::sleep_for(time);
}

} // namespace

// sync_wait ---------------------------------------------------------------------------------------

TEST_CASE("sync_wait gives what the task gives, and runs it on the thread that waits") {
    const std::thread::id mine = std::this_thread::get_id();
    std::vector<std::thread::id> seen;
    const auto sum = [&](int a, int b) -> faf::task<int> {
        seen.push_back(std::this_thread::get_id());
        co_await faf::sleep_for(1ms);
        seen.push_back(std::this_thread::get_id());
        co_await faf::yield();
        seen.push_back(std::this_thread::get_id());
        co_return a + b;
    };
    CHECK(faf::sync_wait(sum(2, 3)) == 5);
    CHECK(seen == std::vector{mine, mine, mine});
}

TEST_CASE("sync_wait gives references, what can't be copied, and nothing") {
    int object = 1;
    const auto refers = [](int& to) -> faf::task<int&> { co_return to; };
    CHECK(&faf::sync_wait(refers(object)) == &object);
    const auto moves = []() -> faf::task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(4);
    };
    CHECK(*faf::sync_wait(moves()) == 4);
    bool has_run = false;
    const auto runs = [](bool& it) -> faf::task<> {
        it = true;
        co_return;
    };
    faf::sync_wait(runs(has_run));
    CHECK(has_run);
    faf::sync_wait(faf::sleep_for(1ms));
    faf::completion<int> done;
    std::thread other([give = done.completer()] { give(6); });
    CHECK(faf::sync_wait(done) == 6);
    other.join();
}

TEST_CASE("sync_wait throws what the task throws, and nobody else hears of it") {
    error_recorder errors;
    CHECK_THROWS_WITH(faf::sync_wait(fail_after(1ms, "no")), "no");
    faf::task<int> empty;
    CHECK_THROWS_AS(faf::sync_wait(std::move(empty)), std::logic_error);
    CHECK(errors.empty());
}

TEST_CASE("sync_wait waits for a task that has moved to a pool") {
    faf::thread_pool pool({.threads = 1});
    const std::thread::id mine = std::this_thread::get_id();
    const auto moves = [](faf::thread_pool& to) -> faf::task<std::thread::id> {
        co_await faf::resume_on(to);
        co_return std::this_thread::get_id();
    };
    for (int i = 0; i < 100; ++i) {
        CHECK(faf::sync_wait(moves(pool)) != mine);
    }
}

TEST_CASE("sync_wait inside of a call at an executor that runs at once needs no other executor") {
    faf::thread_pool closed({.threads = 1});
    closed.shutdown(patience);
    const faf::testing::scoped_default_executor instead(closed);
    const auto yields = []() -> faf::task<std::thread::id> {
        co_await faf::yield();
        co_return std::this_thread::get_id();
    };
    error_recorder errors;
    std::thread::id seen;
    fire_and_forget(faf::inline_executor(), [&] { seen = faf::sync_wait(yields()); });
    CHECK(errors.empty());
    CHECK(seen == std::this_thread::get_id());
}

TEST_CASE("who waits by sync_wait is woken without a detour by a call at an executor that runs at "
          "once") {
    manual_executor detour;
    const faf::testing::scoped_default_executor instead(detour);
    std::atomic<bool> is_over = false;
    std::size_t detours = 0;
    std::thread others([&] {
        while (!is_over) {
            detours += detour.run_all();
            std::this_thread::yield();
        }
    });
    faf::async_mutex mutex;
    auto held = std::make_shared<faf::async_lock>(mutex.try_scoped_lock());
    const auto waits = [&]() -> faf::task<> {
        const faf::async_lock lock = co_await mutex.scoped_lock();
    };
    const auto wakes = [&]() -> faf::task<> {
        fire_and_forget(faf::inline_executor(), [&] { held.reset(); });
        co_return;
    };
    faf::sync_wait(faf::when_all(waits(), wakes()));
    is_over = true;
    others.join();
    CHECK(detours == 0);
}

TEST_CASE("sync_wait throws task_cancelled where the task is given up") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    pool.shutdown(patience);
    const auto moves = [](faf::thread_pool& to) -> faf::task<> { co_await faf::resume_on(to); };
    CHECK_THROWS_AS(faf::sync_wait(moves(pool)), faf::task_cancelled);
    const auto loses = [](faf::job work) { const faf::job lost = std::move(work); };
    const auto is_lost = [](const auto& by) -> faf::task<> { co_await faf::resume_on(by); };
    CHECK_THROWS_AS(faf::sync_wait(is_lost(loses)), faf::task_cancelled);
    CHECK(errors.count() == 1);
}

TEST_CASE("who waits by sync_wait for what can't end before him is told so, wherever that runs") {
    faf::thread_pool pool({.threads = 1});
    faf::thread_pool other({.threads = 1});
    faf::task_scope scope(pool);
    const auto here = [&]() -> faf::task<> { co_await scope.drained(); };
    const auto elsewhere = [&]() -> faf::task<> {
        co_await faf::resume_on(other);
        co_await scope.drained();
    };
    const auto beside = [&]() -> faf::task<> {
        co_await faf::when_all(faf::when_all(here(), faf::yield()), faf::yield());
    };
    std::atomic<int> told{0};
    const auto is_told = [&](auto&& awaited) {
        try {
            faf::sync_wait(std::forward<decltype(awaited)>(awaited));
        } catch (const std::logic_error&) {
            ++told;
        }
    };
    const auto wait = [&] {
        is_told(scope.drained());
        is_told(here());
        is_told(elsewhere());
        is_told(beside());
    };
    fire_and_forget(scope, wait);
    CHECK(scope.drain(patience));
    CHECK(told == 4);
    fire_and_forget(scope, [&] {
        faf::task_scope inner(pool);
        fire_and_forget(inner, wait); // no member, but it runs inside of one, which waits for it
        inner.drain();
    });
    CHECK(scope.drain(patience));
    CHECK(told == 8);
    wait(); // which is no task
    CHECK(told == 8);
    const error_recorder errors;
    fire_and_forget(scope, beside); // nor is a thread needed for that
    CHECK(scope.drain(patience));
    CHECK(errors.count() == 1);
}

TEST_CASE("drain answers false at once in what is awaited by the task that it would wait for") {
    faf::thread_pool pool({.threads = 1, .fixed = true});
    faf::thread_pool other({.threads = 1, .fixed = true});
    faf::serial_executor serial(pool);
    faf::task_scope scope(pool);
    std::vector<bool> answers; // one thread after the other
    const auto here = [&](faf::task_scope& on) -> faf::task<> {
        answers.push_back(on.drain());
        co_return;
    };
    const auto elsewhere = [&](faf::task_scope& on) -> faf::task<> {
        co_await faf::resume_on(other);
        co_await here(on);
        co_await faf::when_all(here(on));
    };
    fire_and_forget(scope, [&] { faf::sync_wait(elsewhere(scope)); });
    CHECK(pool.drain(patience));
    fire_and_forget(scope, [&]() -> faf::task<> {
        co_await faf::when_all(here(scope));
        co_await faf::when_any(faf::when_all(elsewhere(scope)));
    });
    CHECK(pool.drain(patience));
    CHECK(answers == std::vector(5, false));
    faf::task_scope later(serial);
    fire_and_forget(later, {.after = 1h}, [] {});
    std::atomic<bool> is_over{false};
    fire_and_forget(serial, [&] { // without which none of that has its turn
        faf::sync_wait(elsewhere(later));
        is_over = true;
    });
    CHECK(eventually([&] { return is_over.load(); }));
    CHECK(answers == std::vector(7, false));
    faf::sync_wait(elsewhere(scope)); // but by who is in no task
    CHECK(answers.back());
}

TEST_CASE("parts of a task of a scope that was asked to stop may still fire at it") {
    manual_executor ex;
    const error_recorder errors;
    faf::task_scope scope(ex);
    int runs = 0;
    fire_and_forget(scope, [&]() -> faf::task<> {
        scope.request_stop();
        co_await faf::when_all([&]() -> faf::task<> {
            fire_and_forget(scope, [&runs] { ++runs; });
            co_return;
        }());
    });
    ex.run_all();
    CHECK(runs == 1);
    CHECK(errors.empty());
}

// when_all ----------------------------------------------------------------------------------------

TEST_CASE("when_all gives what all give, in the order of the arguments") {
    manual_executor ex;
    std::string got;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto text = []() -> faf::task<std::string> {
            co_await faf::sleep_for(1s);
            co_return "b";
        };
        auto [a, b, c, d] =
            co_await faf::when_all(after(3s, 1), text(), faf::sleep_for(2s), after(0s, 4));
        static_assert(std::is_same_v<decltype(c), std::monostate>);
        got = std::to_string(a) + b + std::to_string(d);
    });
    ex.advance(2s);
    CHECK(got.empty());
    ex.advance(1s);
    CHECK(got == "1b4");
    CHECK(ex.pending() == 0);
}

TEST_CASE("when_all of nothing does not wait") {
    manual_executor ex;
    int turns = 0;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const std::tuple<> none = co_await faf::when_all();
        static_cast<void>(none);
        const std::vector<int> nothing = co_await faf::when_all(std::vector<faf::task<int>>());
        CHECK(nothing.empty());
        ++turns;
    });
    CHECK(ex.run_all() == 1);
    CHECK(turns == 1);
}

TEST_CASE("when_all of a vector gives a vector; of tasks that give nothing, nothing") {
    manual_executor ex;
    std::vector<int> got;
    std::vector<int> ends;
    fire_and_forget(ex, [&]() -> faf::task<> {
        std::vector<faf::task<int>> all;
        std::vector<faf::task<>> more;
        for (int i = 0; i < 100; ++i) {
            all.push_back(after(std::chrono::seconds(100 - i), i));
            more.push_back(note_end(ends, i, std::chrono::seconds(i)));
        }
        got = co_await faf::when_all(std::move(all));
        co_await faf::when_all(std::move(more));
    });
    ex.advance(200s);
    REQUIRE(got.size() == 100);
    CHECK(got[7] == 7);
    CHECK(ends.size() == 100);
    CHECK(ends.back() == 99);
}

TEST_CASE("when_all waits for all before it throws the first exception, and tells the others") {
    error_recorder errors;
    manual_executor ex;
    std::string caught;
    std::vector<int> ends;
    fire_and_forget(ex, {.name = "asks"}, [&]() -> faf::task<> {
        try {
            co_await faf::when_all(fail_after(2s, "first"), fail_after(1s, "second"),
                                   note_end(ends, 1, 5s));
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
    });
    ex.advance(4s);
    CHECK(caught.empty());
    ex.advance(1s);
    CHECK(caught == "first");
    CHECK(ends == std::vector{1});
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "second");
    CHECK(errors.errors()[0].task == "asks");
}

TEST_CASE("when_all takes references, and moves what it is given") {
    manual_executor ex;
    int object = 0;
    faf::completion<int> done;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto refers = [](int& to) -> faf::task<int&> { co_return to; };
        auto [ref, value, box] = co_await faf::when_all(
            refers(object), done, [](int it) -> faf::task<std::unique_ptr<int>> {
                co_return std::make_unique<int>(it);
            }(3));
        ref = value + *box;
    });
    ex.run_all();
    done.complete(4);
    ex.run_all();
    CHECK(object == 7);
}

TEST_CASE("the parts of when_all run at the same time, and count as one task") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 2, .max_threads = 2});
    std::atomic<int> inside{0};
    std::atomic<bool> have_met{false};
    fire_and_forget(pool, [&]() -> faf::task<> {
        const auto meets = [&]() -> faf::task<> {
            ++inside;
            have_met = eventually([&] { return inside == 2; });
            co_return;
        };
        co_await faf::when_all(meets(), meets());
    });
    CHECK(pool.drain(patience));
    CHECK(have_met);
    CHECK(pool.snapshot().accepted == 1);
    CHECK(pool.snapshot().succeeded == 1);
    CHECK(errors.empty());
}

TEST_CASE("the parts of when_all stay on a foreign executor with who awaits them") {
    faf_test::job_loop loop;
    std::atomic<int> at_home{0};
    fire_and_forget(loop, [&]() -> faf::task<> {
        const auto looks = [&]() -> faf::task<> {
            co_await faf::sleep_for(1ms);
            at_home += loop.runs_this_thread() ? 1 : 0;
        };
        co_await faf::when_all(looks(), looks(), looks());
        at_home += loop.runs_this_thread() ? 1 : 0;
    });
    CHECK(eventually([&] { return at_home == 4; }));
    CHECK(faf::drain(patience));
}

namespace {

/// Refuses one of the jobs that come.
struct refusing_executor {
    int refused;
    int came = 0;
    std::vector<faf::job> jobs{};

    void execute(faf::job work) {
        if (++came != refused) {
            jobs.push_back(std::move(work));
        }
    }
    void run_all() {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            faf::job next = std::move(jobs[i]);
            next();
        }
    }
};

} // namespace

TEST_CASE("a part that a foreign executor refuses is reported once, and has been cancelled") {
    const error_recorder errors;
    refusing_executor on{2}; // the first is who awaits them
    std::string heard;
    const auto hear = [&](auto awaits) -> faf::task<> {
        try {
            co_await awaits();
        } catch (const faf::task_cancelled&) {
            heard += 'c';
        }
    };
    const auto part = [&](char its) -> faf::task<> {
        heard += its;
        co_return;
    };
    SECTION("by when_all, which waits for the others") {
        fire_and_forget(on, hear, [&] { return faf::when_all(part('a'), part('b')); });
        on.run_all();
        CHECK(heard == "bc");
    }
    SECTION("by when_any, which it ends") {
        fire_and_forget(on, hear, [&] { return faf::when_any(part('a'), faf::sleep_for(1h)); });
        on.run_all();
        CHECK(heard == "c");
    }
    SECTION("by with_timeout, without waiting for the time") {
        fire_and_forget(on, hear, [&] { return faf::with_timeout(part('a'), 1h); });
        on.run_all();
        CHECK(heard == "c");
    }
    SECTION("by when_all_succeed, which it ends") {
        fire_and_forget(on, hear,
                        [&] { return faf::when_all_succeed(part('a'), faf::sleep_for(1h)); });
        on.run_all();
        CHECK(heard == "c");
    }
    CHECK(errors.count() == 1);
}

TEST_CASE("a part that is refused is reported under the name and the place of who awaits it") {
    const error_recorder errors;
    refusing_executor on{2};
    const auto nothing = []() -> faf::task<> { co_return; };
    const auto both = [&]() -> faf::task<> { co_await faf::when_all(nothing(), nothing()); };
    const auto line = faf::call_site::current().line() + 1;
    fire_and_forget(on, {.name = "awaits"}, both);
    on.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "awaits");
    CHECK(errors.errors()[0].where.line() == line);
}

TEST_CASE("the parts of when_all have the priority of who awaits them") {
    faf::thread_pool pool({.threads = 1});
    std::string order;
    fire_and_forget(pool, {.priority = faf::priority::high}, [&]() -> faf::task<> {
        for (int i = 0; i < 3; ++i) {
            fire_and_forget(pool, [&] { order += 'n'; });
        }
        const auto part = [&]() -> faf::task<> {
            order += 'p';
            co_return;
        };
        co_await faf::when_all(part(), part());
    });
    REQUIRE(pool.drain(patience));
    CHECK(order == "ppnnn");
}

TEST_CASE("a part that is dropped later has ended, and is reported once") {
    const error_recorder errors;
    manual_executor ex;
    refusing_executor other{-1};
    std::string heard;
    std::vector<int> ends;
    const auto hear = [&](auto awaits) -> faf::task<> {
        try {
            co_await awaits();
        } catch (const faf::task_cancelled&) {
            heard += 'c';
        }
    };
    const auto moves = [](refusing_executor& to) -> faf::task<> { co_await faf::resume_on(to); };
    bool stops_others = true;
    SECTION("by when_any") {
        fire_and_forget(ex, hear,
                        [&] { return faf::when_any(note_end(ends, 1, 1h), moves(other)); });
    }
    SECTION("by with_timeout") {
        fire_and_forget(ex, hear, [&] { return faf::with_timeout(moves(other), 1h); });
        ends.push_back(1);
    }
    SECTION("by when_all_succeed") {
        fire_and_forget(ex, hear,
                        [&] { return faf::when_all_succeed(moves(other), note_end(ends, 1, 1h)); });
    }
    SECTION("by when_all, which waits for the others") {
        fire_and_forget(ex, hear,
                        [&] { return faf::when_all(moves(other), note_end(ends, 1, 1h)); });
        stops_others = false;
    }
    ex.run_all();
    REQUIRE(other.jobs.size() == 1);
    CHECK(heard.empty());
    other.jobs.clear();
    ex.run_all();
    CHECK(heard == (stops_others ? "c" : ""));
    ex.advance(1h);
    CHECK(heard == "c");
    CHECK(ends == std::vector{1});
    CHECK(errors.count() == 1);
}

TEST_CASE("with_timeout does not wait for its time when what it awaits is dropped") {
    const error_recorder errors;
    manual_executor ex;
    std::string heard;
    const auto stays = [](faf::thread_pool& there) -> faf::task<> {
        co_await faf::resume_on(there);
        faf::completion<int> never;
        const auto give = never.completer();
        static_cast<void>(co_await never);
    };
    {
        faf::thread_pool other({.threads = 1, .exit_timeout = 0s});
        fire_and_forget(ex, [&]() -> faf::task<> {
            try {
                co_await faf::with_timeout(stays(other), 1h);
            } catch (const faf::timed_out&) {
                heard += 't';
            } catch (const faf::task_cancelled&) {
                heard += 'c';
            }
        });
        ex.run_all();
    }
    ex.run_all();
    CHECK(heard == "c");
    CHECK(ex.pending() == 0);
}

TEST_CASE("the parts of when_all go on in the turns of the serial executor they are on") {
    faf_test::job_loop loop; // where nobody else's turn may be mistaken for one
    faf::serial_executor serial(loop);
    std::atomic<int> at_home{0};
    fire_and_forget(serial, [&]() -> faf::task<> {
        const auto looks = [&]() -> faf::task<> {
            co_await faf::sleep_for(1ms);
            at_home += loop.runs_this_thread() ? 1 : 0;
        };
        co_await faf::when_all(looks(), faf::with_timeout(looks(), 1h), looks());
        at_home += loop.runs_this_thread() ? 1 : 0;
    });
    CHECK(eventually([&] { return at_home == 4; }));
    CHECK(faf::drain(patience));
}

TEST_CASE("parts that their executor refuses have ended, as cancelled") {
    faf_test::virtual_time time;
    bool was_cancelled = false;
    fire_and_forget(time, [&]() -> faf::task<> {
        const auto part = []() -> faf::task<> { co_return; };
        time.is_closed = true;
        try {
            co_await faf::when_all(part(), part());
        } catch (const faf::task_cancelled&) { // the test looks for it
            was_cancelled = true;
        }
    });
    time.run_all();
    CHECK(was_cancelled);
}

TEST_CASE("a timeout ends the waits of parts that its task awaits, too") {
    manual_executor ex;
    faf::completion<> first;
    faf::completion<> second;
    bool is_over = false;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto wait = [](faf::completion<>& on) -> faf::task<> { co_await on; };
        const auto both = [&]() -> faf::task<> {
            co_await faf::when_all(wait(first), wait(second));
        };
        try {
            co_await faf::with_timeout(both(), 1s);
        } catch (const faf::timed_out&) { // the test looks for it
            is_over = true;
        }
    });
    ex.run_all();
    ex.advance(1s);
    CHECK(is_over);
}

TEST_CASE("who awaits several things is given up when they are, and not before") {
    error_recorder errors;
    std::vector<int> ends;
    {
        manual_executor ex;
        fire_and_forget(ex, {.name = "asks"}, [&]() -> faf::task<> {
            std::vector<int>& all = ends;
            struct at_end {
                std::vector<int>& all;
                ~at_end() { all.push_back(0); }
            };
            const at_end noted{all};
            co_await faf::when_all(note_end(all, 1, 1h), note_end(all, 2, 2h));
        });
        ex.run_all();
        CHECK(ends.empty());
    }
    REQUIRE(ends.size() == 3);
    CHECK(ends.back() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "asks");
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a stop request of the task reaches all that it awaits") {
    error_recorder errors(faf::hears::cancelled_too);
    manual_executor ex;
    std::stop_source stop;
    std::vector<int> ends;
    fire_and_forget(ex, {.stop = stop.get_token()}, [&]() -> faf::task<> {
        co_await faf::when_all(note_end(ends, 1, 1h), note_end(ends, 2, 2h));
    });
    ex.run_all();
    stop.request_stop();
    ex.run_all();
    CHECK(ends.size() == 2);
    CHECK(ex.pending() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

// when_all_succeed --------------------------------------------------------------------------------

TEST_CASE("when_all_succeed gives what all give, in the order of the arguments") {
    manual_executor ex;
    std::vector<int> got;
    bool is_over = false;
    fire_and_forget(ex, [&]() -> faf::task<> {
        auto [a, none, c] =
            co_await faf::when_all_succeed(after(3s, 1), faf::sleep_for(2s), after(1s, 2));
        static_assert(std::is_same_v<decltype(none), std::monostate>);
        std::vector<faf::task<int>> more;
        for (int i = 0; i < 10; ++i) {
            more.push_back(after(std::chrono::seconds(10 - i), i));
        }
        got = co_await faf::when_all_succeed(std::move(more));
        got.push_back(a + c);
        co_await faf::when_all_succeed(std::vector<faf::task<>>());
        co_await faf::when_all_succeed();
        is_over = true;
    });
    ex.advance(12s);
    CHECK(got.empty());
    ex.advance(1s);
    CHECK(got == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3});
    CHECK(is_over);
    CHECK(ex.pending() == 0);
}

TEST_CASE("the first part that fails has the others stop, and what it threw is thrown when all "
          "have ended") {
    error_recorder errors;
    manual_executor ex;
    manual_executor other;
    std::string caught;
    std::vector<int> ends;
    const auto bad_loser = [](std::chrono::nanoseconds time) -> faf::task<> {
        try {
            co_await faf::sleep_for(time);
        } catch (const faf::task_cancelled&) {
            throw std::runtime_error("while it stopped");
        }
    };
    const auto does_not_heed = [&]() -> faf::task<> {
        co_await faf::resume_on(other);
        ends.push_back(2);
    };
    faf::completion<int> never;
    const auto give = never.completer();
    fire_and_forget(ex, {.name = "asks"}, [&]() -> faf::task<> {
        try {
            static_cast<void>(
                co_await faf::when_all_succeed(after(1s, 0), bad_loser(1h), fail_after(2s, "first"),
                                               note_end(ends, 1, 1h), never, does_not_heed()));
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
    });
    ex.advance(1s);
    CHECK(ends.empty());
    ex.advance(1s);
    CHECK(ends == std::vector{1});
    CHECK(caught.empty());
    other.run_all();
    ex.run_all();
    CHECK(caught == "first");
    CHECK(ends == std::vector{1, 2});
    CHECK(ex.pending() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "while it stopped");
    CHECK(errors.errors()[0].task == "asks");
}

TEST_CASE("of many parts the first that fails stops the others, also one that has not begun") {
    error_recorder errors;
    manual_executor ex;
    std::string caught;
    int begun = 0;
    const auto fails = []() -> faf::task<> {
        throw std::runtime_error("at once");
        co_return;
    };
    const auto looks = [&]() -> faf::task<> {
        const std::stop_token stop = co_await faf::this_stop_token();
        begun += stop.stop_requested() ? 1 : 100;
    };
    fire_and_forget(ex, [&]() -> faf::task<> {
        std::vector<faf::task<>> all;
        all.push_back(fails());
        for (int i = 0; i < 3; ++i) {
            all.push_back(looks());
        }
        try {
            co_await faf::when_all_succeed(std::move(all));
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
    });
    ex.run_all();
    CHECK(caught == "at once");
    CHECK(begun == 3);
    CHECK(errors.empty());
}

TEST_CASE("what fails because another part was cancelled is thrown by when_all_succeed, not that") {
    error_recorder errors;
    manual_executor ex;
    std::string caught;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto gives_up = []() -> faf::task<> {
            co_await faf::sleep_for(1s);
            throw faf::task_cancelled();
        };
        const auto fails = []() -> faf::task<> {
            try {
                co_await faf::sleep_for(1h);
            } catch (const faf::task_cancelled&) {
                throw std::runtime_error("half done");
            }
        };
        try {
            co_await faf::when_all_succeed(gives_up(), fails());
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        co_await faf::when_all_succeed(faf::sleep_for(1h), gives_up()); // and so is this task
    });
    ex.advance(1s);
    CHECK(caught == "half done");
    ex.advance(1s);
    CHECK(ex.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("a stop request of the task reaches all that are to succeed, in each other too") {
    error_recorder errors(faf::hears::cancelled_too);
    manual_executor ex;
    std::stop_source stop;
    std::vector<int> ends;
    fire_and_forget(ex, {.stop = stop.get_token()}, [&]() -> faf::task<> {
        const auto inner = [&]() -> faf::task<> {
            co_await faf::when_all_succeed(note_end(ends, 1, 1h),
                                           faf::when_all(note_end(ends, 2, 1h)));
        };
        co_await faf::when_all_succeed(inner(), note_end(ends, 3, 2h));
    });
    ex.run_all();
    stop.request_stop();
    ex.run_all();
    CHECK(ends.size() == 3);
    CHECK(ex.pending() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("parts that fail on several threads at the same time give one exception each time") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    constexpr int rounds = 300;
    std::atomic<int> thrown{0};
    std::atomic<int> got{0};
    fire_and_forget(pool, [&]() -> faf::task<> {
        for (int i = 0; i < rounds; ++i) {
            const auto part = [i](int its) -> faf::task<int> {
                co_await faf::sleep_for(std::chrono::microseconds(its * i % 7));
                if ((i + its) % 3 == 0) {
                    throw std::runtime_error("one");
                }
                co_return its;
            };
            faf::completion<int> stays;
            const auto give = stays.completer();
            try {
                static_cast<void>(co_await faf::when_all_succeed(part(1), part(2), part(3), stays));
                ++got;
            } catch (const std::runtime_error&) {
                ++thrown;
            }
        }
    });
    CHECK(pool.drain(patience));
    CHECK(thrown == rounds); // of three numbers in a row one can be divided by three
    CHECK(got == 0);
}

// when_any ----------------------------------------------------------------------------------------

TEST_CASE("when_any gives what the first gives, says which it was, and stops the others") {
    error_recorder errors;
    manual_executor ex;
    std::vector<int> ends;
    std::variant<int, std::monostate, int> got;
    fire_and_forget(ex, [&]() -> faf::task<> {
        got = co_await faf::when_any(after(3s, 1), note_end(ends, 2, 1h), after(2s, 3));
    });
    ex.advance(2s);
    CHECK(got.index() == 2);
    CHECK(std::get<2>(got) == 3);
    CHECK(ends == std::vector{2});
    CHECK(ex.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("when_any of a vector says which was first") {
    manual_executor ex;
    std::size_t index = 99;
    int value = 0;
    bool has_thrown = false;
    fire_and_forget(ex, [&]() -> faf::task<> {
        std::vector<faf::task<int>> all;
        for (int i = 0; i < 10; ++i) {
            all.push_back(after(std::chrono::seconds(10 + (i == 4 ? -5 : i)), i));
        }
        const auto first = co_await faf::when_any(std::move(all));
        index = first.index;
        value = first.value;
        try {
            static_cast<void>(co_await faf::when_any(std::vector<faf::task<int>>()));
        } catch (const std::logic_error&) {
            has_thrown = true;
        }
    });
    ex.advance(5s);
    CHECK(index == 4);
    CHECK(value == 4);
    CHECK(has_thrown);
}

TEST_CASE("when_any throws what the first throws, and later exceptions are told") {
    error_recorder errors;
    manual_executor ex;
    std::string caught;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto bad_loser = []() -> faf::task<> {
            try {
                co_await faf::sleep_for(1h);
            } catch (const faf::task_cancelled&) {
                throw std::runtime_error("while it stopped");
            }
        };
        try {
            static_cast<void>(co_await faf::when_any(bad_loser(), fail_after(1s, "first")));
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
    });
    ex.advance(1s);
    CHECK(caught == "first");
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "while it stopped");
}

TEST_CASE("when_any ends waits for completions, which others may await afterwards") {
    manual_executor ex;
    std::vector<int> ends;
    faf::completion<int> late;
    const auto give = late.completer();
    std::vector<int> got;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto first = co_await faf::when_any(late, after(1s, 5));
        got.push_back(std::get<1>(first));
        got.push_back(co_await late);
    });
    ex.advance(1s);
    CHECK(got == std::vector{5});
    give(6);
    ex.run_all();
    CHECK(got == std::vector{5, 6});
}

// with_timeout ------------------------------------------------------------------------------------

TEST_CASE("with_timeout gives what comes in time, and throws when it does not") {
    error_recorder errors;
    manual_executor ex;
    std::vector<std::string> seen;
    std::vector<int> ends;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const int got = co_await faf::with_timeout(after(1s, 5), 2s);
        seen.push_back(std::to_string(got));
        try {
            co_await faf::with_timeout(note_end(ends, 1, 1h), 2s);
        } catch (const faf::timed_out& error) {
            seen.emplace_back(error.what());
        }
        try {
            co_await faf::with_timeout(fail_after(1s, "failed"), 2s);
        } catch (const std::runtime_error& error) {
            seen.emplace_back(error.what());
        }
        faf::completion<int> never;
        const auto give = never.completer();
        try {
            static_cast<void>(co_await faf::with_timeout(never, 1s));
        } catch (const faf::timed_out&) {
            seen.emplace_back("no call");
        }
    });
    ex.advance(1s);
    CHECK(seen.size() == 1);
    ex.advance(2s);
    CHECK(ends == std::vector{1});
    ex.advance(2s);
    CHECK(seen == std::vector<std::string>{"5", "the time was up", "failed", "no call"});
    CHECK(ex.pending() == 0);
    CHECK(errors.empty());
}

TEST_CASE("with_timeout does not lose what comes all the same") {
    manual_executor ex;
    int got = 0;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto goes_on = []() -> faf::task<int> {
            try {
                co_await faf::sleep_for(1h);
            } catch (const faf::task_cancelled&) {
            }
            co_return 8;
        };
        got = co_await faf::with_timeout(goes_on(), 1s);
    });
    ex.advance(1s);
    CHECK(got == 8);
}

TEST_CASE("timeouts in each other: the inner one does not end the outer, nor a stop a time") {
    error_recorder errors(faf::hears::cancelled_too);
    manual_executor ex;
    std::stop_source stop;
    std::vector<int> seen;
    fire_and_forget(ex, {.stop = stop.get_token()}, [&]() -> faf::task<> {
        const auto inner = [&]() -> faf::task<> {
            try {
                co_await faf::with_timeout(faf::sleep_for(1h), 1s);
            } catch (const faf::timed_out&) {
                seen.push_back(1);
            }
            co_await faf::sleep_for(1h);
        };
        try {
            co_await faf::with_timeout(inner(), 3s);
        } catch (const faf::timed_out&) {
            seen.push_back(3);
        }
        co_await faf::with_timeout(faf::sleep_for(1h), 30min);
    });
    ex.advance(2s);
    CHECK(seen == std::vector{1});
    ex.advance(1s);
    CHECK(seen == std::vector{1, 3});
    stop.request_stop();
    ex.run_all();
    CHECK(ex.pending() == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("timeouts that meet callbacks on other threads give each wait one end") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    faf::thread_pool callers({.threads = 1});
    std::atomic<int> in_time{0};
    std::atomic<int> late{0};
    constexpr int rounds = 500;
    fire_and_forget(pool, [&]() -> faf::task<> {
        for (int i = 0; i < rounds; ++i) {
            faf::completion<int> answer;
            fire_and_forget(callers, [give = answer.completer(), i] { give(i); });
            bool has_come = true;
            try {
                static_cast<void>(
                    co_await faf::with_timeout(answer, std::chrono::microseconds(i % 50)));
            } catch (const faf::timed_out&) {
                has_come = false;
            }
            ++(has_come ? in_time : late);
        }
    });
    CHECK(pool.drain(patience));
    CHECK(in_time + late == rounds);
    CHECK(callers.drain(patience));
    CHECK(errors.empty());
}

#endif
