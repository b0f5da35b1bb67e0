// SPDX-License-Identifier: MIT
#include <fire_and_forget/async_latch.hpp>
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "job_loop.hpp"
#include "virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf_test::eventually;
using faf_test::job_loop;
using faf_test::patience;
using faf_test::virtual_time;
using namespace std::chrono_literals;

/// Jobs that the test runs. By its address others look at it: it is no lambda.
struct job_list {
    std::vector<faf::job> jobs;

    void operator()(faf::job work) { jobs.push_back(std::move(work)); }
    bool run_one() {
        if (jobs.empty()) {
            return false;
        }
        faf::job next = std::move(jobs.front());
        jobs.erase(jobs.begin());
        next();
        return true;
    }
};

/// Tells at its end.
struct tells_end {
    std::atomic<bool>* is_over;
    explicit tells_end(std::atomic<bool>& of) noexcept : is_over(&of) {}
    tells_end(tells_end&& other) noexcept : is_over(std::exchange(other.is_over, nullptr)) {}
    tells_end& operator=(tells_end&&) = delete;
    ~tells_end() {
        if (is_over != nullptr) {
            *is_over = true;
        }
    }
};

} // namespace

TEST_CASE("a coroutine stays on a foreign executor across sleeps, turns and callbacks") {
    error_recorder errors;
    job_loop loop;
    std::atomic<int> at_home{0};
    std::optional<faf::completion<>::completer_type> callback;
    std::atomic<bool> waits{false};
    fire_and_forget(loop, [&]() -> faf::task<> {
        const auto look = [&] { at_home += loop.runs_this_thread() ? 1 : 0; };
        look();
        co_await faf::sleep_for(1ms);
        look();
        co_await faf::yield();
        look();
        faf::completion<> done;
        callback.emplace(done.completer());
        waits = true;
        co_await done;
        look();
        co_await [](auto& inner) -> faf::task<> {
            co_await faf::sleep_for(1ms);
            inner();
        }(look);
        look();
    });
    REQUIRE(eventually([&] { return waits.load(); }));
    std::thread([&] { (*callback)(); }).join();
    CHECK(faf::drain(patience));
    CHECK(at_home == 6);
    CHECK(errors.empty());
}

TEST_CASE("a lambda that a coroutine was fired at is copied: it may be gone by the next turn") {
    job_list list;
    int turns = 0;
    const auto fire = [&] {
        const auto on_list = [&list](faf::job work) { list(std::move(work)); };
        fire_and_forget(on_list, [&turns]() -> faf::task<> {
            for (int i = 0; i < 3; ++i) {
                co_await faf::yield();
                ++turns;
            }
        });
    };
    fire();
    while (list.run_one()) {
    }
    CHECK(turns == 3);
}

TEST_CASE("a temporary executor moves into the coroutine, also one that can't be copied") {
    job_list list;
    std::atomic<bool> is_over{false};
    int turns = 0;
    fire_and_forget(
        [&list, told = tells_end(is_over)](faf::job work) {
            CHECK(told.is_over != nullptr);
            list(std::move(work));
        },
        [&turns]() -> faf::task<> {
            co_await faf::yield();
            ++turns;
        });
    CHECK(!is_over);
    CHECK(list.run_one());
    CHECK(!is_over);
    CHECK(list.run_one());
    CHECK(turns == 1);
    CHECK(is_over);
}

TEST_CASE("an object with a name is referred to, though it could be copied") {
    struct counting {
        int calls = 0;
        std::vector<faf::job> jobs;
        void execute(faf::job work) {
            ++calls;
            jobs.push_back(std::move(work));
        }
    };
    counting executor;
    fire_and_forget(executor, []() -> faf::task<> { co_await faf::yield(); });
    std::exchange(executor.jobs, {}).front()();
    std::exchange(executor.jobs, {}).front()();
    CHECK(executor.calls == 2);

    job_list list; // what it holds can't be copied, and neither is it
    fire_and_forget(list, []() -> faf::task<> { co_await faf::yield(); });
    CHECK(list.run_one());
    CHECK(list.run_one());
    CHECK(!list.run_one());
}

TEST_CASE("an executor is not copied for what is no coroutine") {
    struct counts_copies {
        int* copies;
        explicit counts_copies(int& of) noexcept : copies(&of) {}
        counts_copies(const counts_copies& other) noexcept : copies(other.copies) { ++*copies; }
        counts_copies& operator=(const counts_copies&) = delete;
        ~counts_copies() = default;
        void operator()(faf::job work) const { work(); }
    };
    int copies = 0;
    const counts_copies executor(copies);
    int runs = 0;
    fire_and_forget(executor, [&runs] { ++runs; });
    CHECK(copies == 0);
    fire_and_forget(executor, [&runs]() -> faf::task<> {
        ++runs;
        co_return;
    });
    CHECK(copies == 1);
    CHECK(runs == 2);
}

TEST_CASE("a temporary executor that can't be moved refuses a coroutine, and nothing else") {
    struct fixed {
        fixed() = default;
        fixed(const fixed&) = delete;
        fixed& operator=(const fixed&) = delete;
        ~fixed() = default;
        void execute(faf::job work) const { work(); }
    };
    error_recorder errors;
    int runs = 0;
    CHECK(fire_and_forget(fixed(), [&runs] { ++runs; }));
    const faf::submission answer = fire_and_forget(fixed(), [&runs]() -> faf::task<> {
        ++runs;
        co_return;
    });
    CHECK(answer.why() == faf::refusal::invalid_options);
    CHECK(runs == 1);
    CHECK(errors.count() == 1);
}

TEST_CASE(
    "a foreign executor that throws the next turn away ends the coroutine, and that is told") {
    for (const bool throws : {false, true}) {
        error_recorder own;
        error_recorder global; // the global sink
        const faf::error_sink own_sink = own.sink();
        std::atomic<bool> is_over{false};
        job_list list;
        bool takes = true;
        const auto on_list = [&](faf::job work) {
            if (takes) {
                list(std::move(work));
            } else if (throws) {
                throw std::runtime_error("full");
            }
        };
        const auto before = faf::snapshot();
        faf::completion<> done;
        fire_and_forget(on_list, {.name = "turned away", .on_error = own_sink},
                        [&]() -> faf::task<> {
                            const tells_end told(is_over);
                            co_await done;
                        });
        CHECK(list.run_one());
        takes = false;
        done.complete();
        CHECK(is_over);
        REQUIRE(own.count() == 1);
        CHECK(own.errors()[0].kind == faf::failure::abandoned);
        CHECK(own.errors()[0].task == "turned away");
        CHECK(global.count() == (throws ? 1 : 0));
        CHECK(faf::drain(patience));
        const auto after = faf::snapshot();
        CHECK(after.accepted - before.accepted == 1);
        CHECK(after.dropped - before.dropped == 1);
    }
}

TEST_CASE("a job with the next turn of a coroutine, destroyed later, is an abandoned coroutine") {
    error_recorder errors;
    std::atomic<bool> is_over{false};
    {
        job_list list;
        fire_and_forget(list, [&]() -> faf::task<> {
            const tells_end told(is_over);
            co_await faf::yield();
        });
        CHECK(list.run_one());
        CHECK(!is_over);
    }
    CHECK(is_over);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

TEST_CASE("turns and callbacks on an executor that runs jobs at once do not use up the stack") {
    constexpr int turns = 20'000;
    std::atomic<int> seen{0};
    fire_and_forget(faf::inline_executor(), [&]() -> faf::task<> {
        for (int i = 0; i < turns; ++i) {
            co_await faf::yield();
            ++seen;
        }
        co_await faf::sleep_for(1ms);
        ++seen;
    });
    CHECK(faf::drain(patience));
    CHECK(seen == turns + 1);
}

TEST_CASE("a coroutine that moves to a foreign executor stays there, until it moves back") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    job_loop loop;
    std::atomic<int> there{0};
    std::atomic<int> back{0};
    fire_and_forget(pool, [&]() -> faf::task<> {
        co_await faf::resume_on(loop);
        there += loop.runs_this_thread() ? 1 : 0;
        co_await faf::sleep_for(1ms);
        there += loop.runs_this_thread() ? 1 : 0;
        co_await faf::resume_on(pool);
        back += loop.runs_this_thread() ? 0 : 1;
        co_await faf::sleep_for(1ms);
        back += loop.runs_this_thread() ? 0 : 1;
    });
    CHECK(pool.drain(patience));
    CHECK(there == 2);
    CHECK(back == 2);
    CHECK(errors.empty());
    CHECK(pool.snapshot().succeeded == 1);
}

#if defined(__cpp_lib_jthread)
TEST_CASE("a stop request ends a sleep on a foreign executor, there") {
    error_recorder errors(faf::hears::cancelled_too);
    job_loop loop;
    std::stop_source stop;
    std::atomic<bool> sleeps{false};
    std::atomic<bool> woke_there{false};
    fire_and_forget(loop, {.stop = stop.get_token()}, [&]() -> faf::task<> {
        sleeps = true;
        try {
            co_await faf::sleep_for(24h);
        } catch (const faf::task_cancelled&) {
            woke_there = loop.runs_this_thread();
            throw;
        }
    });
    REQUIRE(eventually([&] { return sleeps.load(); }));
    stop.request_stop();
    // Until it sleeps nobody but the loop knows of it, so drain might not wait.
    REQUIRE(eventually([&] { return errors.count() == 1; }));
    CHECK(woke_there);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}
#endif

TEST_CASE("a coroutine elsewhere whose wait a pool has refused goes on when that pool is gone") {
    using wait_for = faf::task<> (*)(faf::completion<>&, faf::async_latch&);
    const wait_for waits[] = {
        [](auto& never, auto&) -> faf::task<> { co_await never; },
        [](auto& never, auto&) -> faf::task<> { co_await never.in_place(); },
        [](auto&, auto& closed) -> faf::task<> { co_await closed; },
        [](auto&, auto&) -> faf::task<> { co_await faf::sleep_for(1h); },
    };
    for (const wait_for wait : waits) {
        for (const bool waits_again : {false, true}) {
            faf::completion<> never;
            faf::async_latch closed(1);
            job_list list;
            std::optional<faf::thread_pool> pool(std::in_place, faf::pool_options{.threads = 1});
            std::optional<faf::testing::scoped_default_executor> here(*pool);
            bool was_cancelled = false;
            bool is_over = false;
            fire_and_forget(list, [&]() -> faf::task<> {
                try {
                    co_await wait(never, closed);
                } catch (const faf::task_cancelled&) {
                    was_cancelled = true;
                }
                here.reset();
                pool.reset();
                if (waits_again) {
                    co_await faf::yield();
                }
                is_over = true;
            });
            pool->shutdown();
            CHECK(list.run_one());
            CHECK(list.run_one() == waits_again);
            CHECK(was_cancelled);
            CHECK(is_over);
        }
    }
}

TEST_CASE("a coroutine elsewhere that may not sleep where it would is counted there to its end") {
    virtual_time time;
    job_list list;
    int kept = 0;
    {
        const faf::testing::scoped_default_executor here(time);
        fire_and_forget(list, [&]() -> faf::task<> {
            try {
                co_await faf::sleep_for(1h);
            } catch (const faf::task_cancelled&) {
                kept = time.keepers;
            }
        });
        time.is_closed = true;
        CHECK(list.run_one());
    }
    CHECK(kept == 1);
    CHECK(time.keepers == 0);
    CHECK(time.books.opened() == 1);
    CHECK(time.books.closed() == 1);
    CHECK(time.books.ends().succeeded == 1);
}

TEST_CASE("a coroutine elsewhere does not lie down where all are asked to stop") {
    virtual_time time;
    job_list list;
    bool was_cancelled = false;
    const faf::testing::scoped_default_executor here(time);
    fire_and_forget(list, [&]() -> faf::task<> {
        try {
            co_await faf::sleep_for(1h);
        } catch (const faf::task_cancelled&) { // the test looks for it
            was_cancelled = true;
        }
    });
    time.stop();
    CHECK(list.run_one());
    CHECK(was_cancelled);
}

// completion::in_place ----------------------------------------------------------------------------

TEST_CASE("a coroutine that waits in place goes on in the call that completes, then where it was") {
    virtual_time time;
    std::optional<faf::completion<int>::completer_type> callback;
    std::vector<std::string> seen;
    std::thread::id where;
    fire_and_forget(time, [&]() -> faf::task<> {
        faf::completion<int> done;
        callback.emplace(done.completer());
        const int got = co_await done.in_place();
        where = std::this_thread::get_id();
        seen.push_back("got " + std::to_string(got));
        co_await faf::yield();
        seen.emplace_back("back");
    });
    time.run_all();
    std::thread::id other;
    std::thread([&] {
        other = std::this_thread::get_id();
        (*callback)(7);
    }).join();
    CHECK(seen == std::vector<std::string>{"got 7"});
    CHECK(where == other);
    time.run_all();
    CHECK(seen == std::vector<std::string>{"got 7", "back"});
    CHECK(time.keepers == 0);
}

TEST_CASE("a coroutine that ends in place is counted and reported by its executor") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    faf::completion<std::unique_ptr<int>> done;
    std::atomic<bool> waits{false};
    int got = 0;
    fire_and_forget(pool, [&]() -> faf::task<> {
        waits = true;
        got = *co_await std::move(done).in_place();
        throw std::runtime_error("in place");
    });
    CHECK(eventually([&] { return waits && pool.snapshot().running == 0; }));
    done.complete(std::make_unique<int>(5));
    CHECK(pool.drain(patience));
    CHECK(got == 5);
    CHECK(pool.snapshot().failed == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "in place");
}

TEST_CASE("in place inside of in place goes by the executor: calls do not pile up") {
    constexpr int links = 10'000;
    faf::testing::manual_executor ex;
    std::vector<std::unique_ptr<faf::completion<>>> done;
    for (int i = 0; i <= links; ++i) {
        done.push_back(std::make_unique<faf::completion<>>());
    }
    int ended = 0;
    for (int i = 0; i < links; ++i) {
        fire_and_forget(ex, [&, i]() -> faf::task<> {
            const auto at = static_cast<std::size_t>(i);
            co_await done[at]->in_place();
            done[at + 1]->complete();
            ++ended;
        });
    }
    ex.run_all();
    done[0]->complete();
    ex.run_all();
    CHECK(ended == links);
}

TEST_CASE("a coroutine that has gone on in place may see the end of its pool, and wait once more") {
    std::optional<faf::thread_pool> pool(std::in_place, faf::pool_options{.threads = 1});
    faf::completion<> first;
    faf::completion<> never;
    std::atomic<bool> waits{false};
    int cancelled = 0;
    fire_and_forget(*pool, [&]() -> faf::task<> {
        waits = true;
        co_await first.in_place();
        pool->shutdown(0ms);
        const auto try_waiting = [&](auto wait) -> faf::task<> {
            try {
                co_await wait();
            } catch (const faf::task_cancelled&) {
                ++cancelled;
            }
        };
        co_await try_waiting([&]() -> auto& { return never; });
        pool.reset();
        co_await try_waiting([&]() -> auto& { return never; });
        co_await try_waiting([] { return faf::yield(); });
        co_await try_waiting([] { return faf::sleep_for(1h); });
    });
    CHECK(eventually([&] { return waits && pool->snapshot().running == 0; }));
    first.complete();
    CHECK(cancelled == 4);
}

TEST_CASE("a coroutine in place that a closed executor refuses is where it was at its next wait") {
    virtual_time time;
    faf::thread_pool closed({.threads = 1});
    closed.shutdown(0ms);
    faf::completion<> done;
    std::vector<std::string> seen;
    fire_and_forget(time, [&]() -> faf::task<> {
        co_await done.in_place();
        try {
            co_await faf::resume_on(closed);
        } catch (const faf::task_cancelled&) {
            seen.emplace_back("refused");
        }
        co_await faf::yield();
        seen.emplace_back("back");
    });
    time.run_all();
    done.complete();
    CHECK(seen == std::vector<std::string>{"refused"});
    time.run_all();
    CHECK(seen == std::vector<std::string>{"refused", "back"});
    CHECK(time.keepers == 0);
}

TEST_CASE("a coroutine in place that moves to a foreign executor waits by the default one") {
    virtual_time time;
    virtual_time by_default;
    const faf::testing::scoped_default_executor here(by_default);
    job_list list;
    faf::completion<> done;
    bool is_over = false;
    fire_and_forget(time, [&]() -> faf::task<> {
        co_await done.in_place();
        co_await faf::resume_on(list);
        co_await faf::sleep_for(1h);
        is_over = true;
    });
    time.run_all();
    done.complete();
    CHECK(list.run_one());
    CHECK(time.sleepers() == 0);
    REQUIRE(by_default.sleepers() == 1);
    by_default.advance(1h);
    CHECK(list.run_one());
    CHECK(is_over);
    CHECK(time.keepers == 0);
}

TEST_CASE("an executor is told as a wait ends that it has had to know of") {
    virtual_time time;
    faf::completion<> done;
    fire_and_forget(time, [&]() -> faf::task<> { co_await done; });
    time.run_all();
    const int before = time.ends;
    done.complete();
    CHECK(time.ends == before + 1);
    time.run_all();
}

TEST_CASE("what waits in place is destroyed with its executor") {
    error_recorder errors;
    faf::completion<> never;
    std::atomic<bool> is_over{false};
    {
        faf::testing::manual_executor ex;
        fire_and_forget(ex, [&]() -> faf::task<> {
            const tells_end told(is_over);
            co_await never.in_place();
        });
        ex.run_all();
        CHECK(ex.pending() == 1);
    }
    CHECK(is_over);
    CHECK(errors.count() == 1);
    never.complete();
}

TEST_CASE("a coroutine that is fired at a reference to a foreign executor stays there as well") {
    job_list list;
    std::vector<int> seen;
    const auto on_list = [&list](faf::job work) { list(std::move(work)); };
    {
        const faf::executor_ref on(on_list);
        fire_and_forget(on, [&seen]() -> faf::task<> {
            co_await faf::yield();
            seen.push_back(1);
        });
    }
    CHECK(list.run_one());
    CHECK(list.run_one());
    faf::testing::manual_executor ex;
    std::optional<faf::executor_ref> on(on_list);
    fire_and_forget(ex, [&]() -> faf::task<> {
        co_await faf::resume_on(*on);
        seen.push_back(2);
        co_await faf::yield();
        seen.push_back(3);
    });
    ex.run_all();
    on.reset();
    CHECK(list.run_one());
    CHECK(list.run_one());
    CHECK(seen == std::vector{1, 2, 3});
}
