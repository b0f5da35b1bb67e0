// SPDX-License-Identifier: MIT
// One walk through the whole interface, again and again: each time the next allocation or the next
// start of a thread fails, of all that the process makes; once, or from there on. Whatever fails,
// each task has one fate that somebody hears of, nothing is left behind, and all works afterwards.

#include "child.hpp"
#include "eventually.hpp"
#include "failing_memory.hpp"
#include "refused_threads.hpp"

#include <fire_and_forget/cancellable.hpp>
#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>
#include <fire_and_forget/when_all.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

/// In the ledger's notes.
enum note : std::size_t { injected, threw, fired, moved };

/// Failures of what throws by contract: a pool's constructor, std::function, new.
template <class Step>
void may_throw(Step step) {
    try {
        step();
    } catch (const std::bad_alloc&) {
    } catch (const std::system_error&) {
    }
}

faf::task<int> seven() {
    co_await faf::yield();
    co_return 7;
}

faf::detached start_itself(tracked task) {
    co_await faf::sleep_for(10us);
    task();
}

class walk {
public:
    /// `wait` is how long its drains wait at most.
    walk(ledger& in, std::chrono::milliseconds wait) noexcept : book_(in), wait_(wait) {}

    void whole() {
        may_throw([&] { own_pool(); });
        for (const faf::overflow what : {faf::overflow::refuse, faf::overflow::drop_oldest,
                                         faf::overflow::run_in_caller, faf::overflow::wait}) {
            may_throw([&] { full_pool(what); });
        }
        may_throw([&] { scopes(); });
        may_throw([&] { adaptors(); });
        own_threads();
        others();
        book_.notes[fired] = static_cast<long>(next_);
    }

private:
    tracked next() noexcept { return {book_, next_++}; }

    /// A callable that throws when it has run.
    auto failing() noexcept {
        return [task = next(), &book = book_] {
            task();
            ++book.notes[threw];
            throw std::runtime_error("as it should");
        };
    }

    /// Its last step is the task's run: what fails before is reported, and nothing can fail later.
    auto sleeper() noexcept {
        return [task = next()]() -> faf::task<> {
            co_await faf::sleep_for(20us);
            const int got = co_await seven();
            if (got == 7) {
                task();
            }
        };
    }

    /// Ends by itself after three runs, or where its pool closes after some. Only if it has never
    /// run somebody has to hear of it.
    template <class Executor>
    void fire_repeated_at(Executor& at) {
        const std::size_t id = next_;
        const auto run = [task = next(), runs = 0]() mutable {
            if (++runs == 1) {
                task();
            }
            return runs < 3 ? faf::keep_repeating : faf::stop_repeating;
        };
        const auto hear = [&book = book_, id](const faf::error_report& report) {
            if (book.tasks[id].ran == 0) {
                book.count(report);
            }
        };
        fire_at(at, {.every = 50us, .on_error = {hear, faf::hears::cancelled_too}}, run);
    }

    template <class Fn>
    void fire(Fn fn) {
        book_.count(fire_and_forget(std::move(fn)));
    }
    template <class Executor, class Fn>
    void fire_at(Executor&& at, Fn fn) {
        book_.count(fire_and_forget(at, std::move(fn)));
    }
    template <class Executor, class Fn>
    void fire_at(Executor&& at, const faf::options& how, Fn fn) {
        book_.count(fire_and_forget(at, how, std::move(fn)));
    }

    void own_pool() {
        const std::array<char, 64> large{};
        faf::thread_pool pool({.threads = 2,
                               .exit_timeout = wait_,
                               .name = "own",
                               .on_error = book_.counting_sink()});
        for (int i = 0; i < 3; ++i) {
            fire_at(pool, next());
        }
        fire_at(pool, [task = next(), large] {
            static_cast<void>(large);
            task();
        });
        fire_at(pool, failing());
        may_throw([&] {
            const faf::detail::stop_source source = faf::detail::make_stop_source();
            const faf::options how{.name = "late",
                                   .priority = faf::priority::low,
                                   .after = 50us,
                                   .stop = source.get_token(),
                                   .on_error = {[&book = book_, large](const auto& report) {
                                                    static_cast<void>(large);
                                                    book.count(report);
                                                },
                                                faf::hears::cancelled_too}};
            fire_at(pool, how, failing());
            fire_repeated_at(pool);
        });
        fire_at(pool, sleeper());
        book_.notes[moved] = static_cast<long>(next_);
        fire_at(pool, [task = next()]() -> faf::task<> {
            co_await faf::resume_on(faf::default_pool());
            task();
        });
        check_in_time(pool.drain(wait_));
        check_in_time(pool.shutdown(wait_));
    }

    void full_pool(faf::overflow what) {
        faf::thread_pool pool({.threads = 1,
                               .max_pending = 2,
                               .when_full = what,
                               .full_wait = 200us,
                               .exit_timeout = wait_,
                               .on_error = book_.counting_sink()});
        for (int i = 0; i < 5; ++i) {
            fire_at(pool, next());
        }
        check_in_time(pool.drain(wait_));
    }

    void scopes() {
        const std::array<char, 64> large{};
        faf::thread_pool pool(
            {.threads = 2, .exit_timeout = wait_, .on_error = book_.counting_sink()});
        faf::task_scope scope(pool);
        faf::serial_executor serial(scope);
        fire_at(scope, next());
        fire_at(scope, {.name = "large"}, [task = next(), large] {
            static_cast<void>(large);
            task();
        });
        fire_at(scope, {.after = 50us}, failing());
        fire_at(scope, sleeper());
        fire_at(serial, next());
        fire_at(serial, {.after = 50us}, next());
        fire_at(serial, sleeper());
        may_throw([&] { fire_repeated_at(scope); });
        check_in_time(scope.drain(wait_));
        check_in_time(pool.shutdown(wait_)); // before the scope waits as long as it takes
    }

    void adaptors() {
        faf::thread_pool pool(
            {.threads = 2, .exit_timeout = wait_, .on_error = book_.counting_sink()});
        const faf::conflating_executor<int> latest(pool);
        fire_at(latest[1], next());
        fire_at(latest[2], sleeper());
        fire_at(faf::cancellable(pool), next());
        fire_at(faf::cancellable(pool), {.after = 50us}, next());
        fire_at(pool, [task = next()]() -> faf::task<> {
            const auto both = co_await faf::when_all(seven(), seven());
            if (std::get<0>(both) == std::get<1>(both)) {
                task();
            }
        });
        fire_at(pool, [task = next()]() -> faf::task<> {
            static constexpr auto at_once = [](faf::job job) { job(); };
            co_await faf::resume_on(at_once);
            task();
        });
        check_in_time(pool.drain(wait_));
        check_in_time(pool.shutdown(wait_));
    }

    void own_threads() {
        fire_at(faf::own_thread, next());
        fire_at(faf::own_thread, {.after = 50us}, next());
        fire_at(faf::own_thread, sleeper());
    }

    void others() {
        fire(next());
        may_throw([&] { start_itself(next()); }); // answers nobody: it is not counted
        fire_at([](faf::job job) { job(); }, next());
        fire_at([](faf::job job) { job(); }, sleeper());
        fire_at([](faf::job job) { std::make_shared<faf::job>(std::move(job))->operator()(); },
                next());
        may_throw([&] {
            faf::testing::manual_executor manual;
            fire_at(manual, next());
            fire_at(manual, {.after = 1s}, next());
            fire_at(manual, sleeper());
            for (int i = 0; i < 4; ++i) {
                manual.advance(1s);
            }
        });
        may_throw([&] {
            const faf::error_sink previous = faf::set_error_sink(book_.counting_sink());
            fire(nullptr_function);
        });
        check_in_time(faf::drain(wait_));
    }

    /// Timers wait for memory if there is none for the heap they wait in, and drains for them.
    void check_in_time(bool is_done) const { CHECK((is_done || wait_ < patience)); }

    static constexpr void (*nullptr_function)() = nullptr;

    ledger& book_;
    const std::chrono::milliseconds wait_;
    std::size_t next_ = 0;
};

/// What must work when the failures are over.
void check_afterwards(ledger& book) {
    std::atomic<int> runs{0};
    const auto run = [&runs] { ++runs; };
    faf::thread_pool pool({.threads = 2});
    for (int i = 0; i < 20; ++i) {
        CHECK(fire_and_forget(pool, run));
        CHECK(fire_and_forget(run));
        CHECK(fire_and_forget({.after = 1us}, run));
    }
    CHECK(pool.drain(patience));
    CHECK(faf::drain(patience));
    CHECK(runs == 60);
    const faf::stats all = faf::snapshot();
    CHECK(all.pending + all.running == 0);
    CHECK(all.accepted == all.succeeded + all.failed + all.dropped);
    for (std::size_t id = 0; id < static_cast<std::size_t>(book.notes[fired]); ++id) {
        CAPTURE(id);
        CHECK(eventually([&] { return book.tasks[id].constructed == book.tasks[id].destroyed; }));
    }
}

enum kind_of_failure : long { of_memory, of_threads };

long argument_for(kind_of_failure what, shortage how, long n) {
    return n * 4 + (how == shortage::lasting ? 2 : 0) + what;
}

const child nth("the n-th failure", [](ledger& book) {
    const long n = book.argument / 4;
    const shortage how = book.argument % 4 / 2 == 1 ? shortage::lasting : shortage::once;
    faf::set_error_sink(book.counting_sink());
    REQUIRE(faf::configure_default_pool({.threads = 2}));
    if (book.argument % 2 == of_memory) {
        memory_of_all.begin(how, n);
        walk(book, how == shortage::lasting ? 50ms : patience).whole();
        memory_of_all.end();
        book.notes[injected] = memory_of_all.failed.load();
    } else {
        const long first = new_threads.calls + n; // a sanitizer may have made some of its own
        new_threads.refuse(first, how == shortage::lasting ? thread_refusals::never_again : first);
        walk(book, how == shortage::lasting ? 50ms : patience).whole();
        new_threads.refuse_none();
        book.notes[injected] = new_threads.refused.load();
    }
    check_afterwards(book);
});

/// True if the walk had an n-th of its kind.
bool fails(kind_of_failure what, shortage how, long n) {
    CAPTURE(n);
    const outcome end = run(nth, argument_for(what, how, n));
    check_exit(end);
    INFO(end.errors);
    CHECK(end->refused <= end->tasks_reported_as(failure::refused));
    const std::uint64_t heard =
        end->tasks_reported_as(failure::exception) + end->tasks_reported_as(failure::cancelled) +
        end->tasks_reported_as(failure::abandoned) + end->tasks_reported_as(failure::displaced) +
        end->tasks_reported_as(failure::refused);
    std::uint64_t silent = 0;
    for (std::size_t id = 0; id < static_cast<std::size_t>(end->notes[fired]); ++id) {
        CHECK(end->tasks[id].ran <= 1);
        silent += end->tasks[id].ran == 0 ? 1 : 0;
    }
    // Each that did not run is heard of, and so are the three that throw and the empty callable.
    const auto also = static_cast<std::uint64_t>(end->notes[threw]);
    CHECK(silent + also <= heard);
    // One that waits elsewhere for a thread when its pool closes is heard of, and goes on later.
    const bool may_go_on = what == of_threads && how == shortage::lasting;
    const auto& one = end->tasks[static_cast<std::size_t>(end->notes[moved])];
    const std::uint64_t late = may_go_on ? one.ran.load() : 0;
    CHECK(heard <= silent + also + 1 + late);
    return end->notes[injected] > 0;
}

void fail_one_after_the_other(kind_of_failure what, shortage how, long step) {
    // Which threads get how far differs from run to run: a few rounds without a failure end it.
    long n = 0;
    for (int without = 0; without < 3; n += step) {
        REQUIRE(n < 2000);
        without = fails(what, how, n) ? 0 : without + 1;
    }
    CHECK(n > 3 * step);
}

TEST_CASE("whichever allocation fails, each task has one fate and all works afterwards") {
    fail_one_after_the_other(of_memory, shortage::once, load(1, 7));
}

TEST_CASE("from whichever allocation on memory is out, each task has one fate, nothing is left") {
    fail_one_after_the_other(of_memory, shortage::lasting, load(3, 17));
}

TEST_CASE("whichever thread is refused, each task has one fate and all works afterwards") {
    fail_one_after_the_other(of_threads, shortage::once, load(1, 3));
}

TEST_CASE("from whichever thread on none is to be had, each task has one fate, nothing is left") {
    fail_one_after_the_other(of_threads, shortage::lasting, load(1, 3));
}

} // namespace
