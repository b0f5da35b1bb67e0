// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "eventually.hpp"
#include "virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf_test::virtual_time;
using fate = faf::detail::fate;
using namespace std::chrono_literals;

/// Counts those of its kind that are alive.
class alive {
public:
    explicit alive(int& count) noexcept : count_(&count) { ++*count_; }
    alive(const alive& other) noexcept : alive(*other.count_) {}
    alive& operator=(const alive&) = delete;
    ~alive() { --*count_; }
    int now() const noexcept { return *count_; }

private:
    int* count_;
};

// What only co_await calls is not shown to users.
template <class A>
concept shows_its_awaiter = requires(A awaited, faf::detail::chain& of) {
    std::move(awaited).awaiter_in(of);
};
static_assert(!shows_its_awaiter<faf::task<int>>);
static_assert(!shows_its_awaiter<faf::completion<int>&>);
static_assert(!std::is_constructible_v<faf::completion<int>::completer_type, faf::completion<int>&>,
              "completer() makes them");

faf::task<int> number(int value) {
    co_return value;
}
faf::task<> sleep_a_while(std::chrono::nanoseconds time) {
    co_await faf::sleep_for(time);
}

} // namespace

// Firing ------------------------------------------------------------------------------------------

TEST_CASE("a fired coroutine is awaited to its end") {
    virtual_time time;
    std::vector<int> seen;
    fire_and_forget(time, [&seen]() -> faf::task<> {
        seen.push_back(1);
        co_await faf::sleep_for(3s);
        seen.push_back(2);
    });
    time.run_all();
    CHECK(seen == std::vector{1});
    time.advance(2s);
    CHECK(seen == std::vector{1});
    time.advance(1s);
    CHECK(seen == std::vector{1, 2});
    CHECK(time.fates == std::vector{fate::open, fate::succeeded});
}

TEST_CASE("the captures of a lambda coroutine live until it ends, and not longer") {
    virtual_time time;
    int count = 0;
    int seen = 0;
    fire_and_forget(time, [token = alive(count), &seen]() -> faf::task<> {
        co_await faf::sleep_for(1s);
        seen = token.now();
        co_await faf::sleep_for(1s);
    });
    time.run_all();
    CHECK(count == 1);
    time.advance(1s);
    CHECK(seen == 1);
    CHECK(count == 1);
    time.advance(1s);
    CHECK(count == 0);
}

TEST_CASE("a lambda coroutine that nobody keeps has lost its captures when it goes on") {
    virtual_time time;
    int count = 0;
    std::optional<faf::task<>> naive;
    naive = [token = alive(count)]() -> faf::task<> { co_await faf::sleep_for(1s); }();
    CHECK(count == 0); // what firing it prevents
    CHECK(*naive);
}

TEST_CASE("arguments taken by reference live until the coroutine ends") {
    virtual_time time;
    std::string seen;
    fire_and_forget(
        time,
        [&seen](const std::string& text) -> faf::task<> {
            co_await faf::sleep_for(1s);
            seen = text;
        },
        std::string("a text that is too long to be stored in the string itself"));
    time.run_all();
    time.advance(1s);
    CHECK(seen == "a text that is too long to be stored in the string itself");
}

TEST_CASE("a coroutine's exception is reported with the place of the call, also after a wait") {
    error_recorder errors;
    virtual_time time;
    fire_and_forget(time, {.name = "feed"}, []() -> faf::task<> {
        co_await faf::sleep_for(1s);
        throw std::runtime_error("lost");
    });
    const unsigned line = __LINE__ - 4;
    time.run_all();
    CHECK(errors.empty());
    time.advance(1s);
    REQUIRE(errors.count() == 1);
    const auto error = errors.errors()[0];
    CHECK(error.kind == faf::failure::exception);
    CHECK(error.what == "lost");
    CHECK(error.task == "feed");
    CHECK(error.where.line() == line);
    CHECK(time.fates == std::vector{fate::open, fate::failed});
}

TEST_CASE("a coroutine's own sink hears of its failure, also after a wait") {
    error_recorder errors;
    virtual_time time;
    std::string heard;
    const faf::error_sink own = [&heard](const faf::error_report& report) { heard = report.what; };
    fire_and_forget(time, {.on_error = own}, []() -> faf::task<> {
        co_await faf::sleep_for(1s);
        throw std::runtime_error("lost");
    });
    time.run_all();
    time.advance(1s);
    CHECK(heard == "lost");
    CHECK(errors.empty());
}

TEST_CASE("an error that a coroutine returns is reported") {
    error_recorder errors;
    virtual_time time;
    fire_and_forget(time, []() -> faf::task<std::error_code> {
        co_await faf::sleep_for(1s);
        co_return std::make_error_code(std::errc::timed_out);
    });
    fire_and_forget(time, []() -> faf::task<std::error_code> { co_return std::error_code(); });
    time.run_all();
    CHECK(errors.empty());
    time.advance(1s);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::error_result);
    CHECK(time.fates.back() == fate::failed);
}

TEST_CASE("what a callable throws before it makes its coroutine is reported") {
    error_recorder errors;
    virtual_time time;
    int count = 0;
    fire_and_forget(time, [token = alive(count)]() -> faf::task<> { throw 7; });
    time.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].type == "int");
    CHECK(count == 0);
}

TEST_CASE("an empty task that a callable returns is reported") {
    error_recorder errors;
    virtual_time time;
    fire_and_forget(time, [] { return faf::task<>(); });
    time.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(time.fates == std::vector{fate::failed});
}

TEST_CASE(
    "a coroutine that repeats starts again when it has ended, each time with a copy of its own") {
    error_recorder errors;
    std::vector<int> seen;
    int count = 0;
    faf::testing::manual_executor time; // its end ends what repeats
    fire_and_forget(time, {.every = 1s}, [token = alive(count), &seen]() -> faf::task<> {
        seen.push_back(1);
        co_await faf::sleep_for(1500ms);
        seen.push_back(token.now() > 1 ? 2 : -2);
    });
    time.run_all();
    CHECK(count == 2); // of the task and of its first run
    time.advance(1s);
    CHECK(count == 2);
    CHECK(seen == std::vector{1});
    time.advance(499ms);
    CHECK(seen == std::vector{1});
    time.advance(1ms); // it is late, and the phase is kept
    CHECK(seen == std::vector{1, 2, 1});
    CHECK(count == 2);
    CHECK(errors.empty());
}

TEST_CASE("a coroutine that repeats ends that by what it returns, be it after a wait") {
    faf::testing::manual_executor time;
    int runs = 0;
    int count = 0;
    fire_and_forget(time, {.every = 1s}, [&, token = alive(count)]() -> faf::task<faf::repetition> {
        ++runs;
        if (runs != 2) {
            co_await faf::sleep_for(100ms);
        }
        co_return runs < 3 ? faf::keep_repeating : faf::stop_repeating;
    });
    time.advance(10s);
    CHECK(runs == 3);
    CHECK(count == 0);
    CHECK(time.pending() == 0);
}

TEST_CASE("a coroutine that repeats goes on doing so after a run that failed") {
    error_recorder errors;
    faf::testing::manual_executor time;
    int runs = 0;
    fire_and_forget(time, {.every = 1s}, [&runs]() -> faf::task<faf::repetition> {
        co_await faf::sleep_for(100ms);
        if (++runs == 1) {
            throw std::runtime_error("once");
        }
        co_return faf::stop_repeating;
    });
    time.advance(10s);
    CHECK(runs == 2);
    CHECK(errors.count() == 1);
}

TEST_CASE("a coroutine starts again where it was fired, though each of its runs ends elsewhere") {
    faf::thread_pool first({.threads = 1});
    faf::thread_pool last({.threads = 1});
    std::atomic<int> runs{0};
    std::atomic<int> begun_in_last{0};
    std::atomic<std::thread::id> of_last;
    fire_and_forget(last, [&] { of_last = std::this_thread::get_id(); });
    REQUIRE(last.drain(faf_test::patience));
    const auto coroutine = [&]() -> faf::task<faf::repetition> {
        begun_in_last += std::this_thread::get_id() == of_last.load() ? 1 : 0;
        co_await faf::resume_on(last);
        co_return ++runs % 3 != 0 ? faf::keep_repeating : faf::stop_repeating;
    };
    fire_and_forget(first, {.every = 1ms}, coroutine);
    CHECK(faf_test::eventually([&] { return runs == 3 && first.snapshot().succeeded == 3; }));
    const std::uint64_t before = faf::snapshot().succeeded;
    fire_and_forget(faf::own_thread, {.every = 1ms}, coroutine);
    CHECK(
        faf_test::eventually([&] { return runs == 6 && faf::snapshot().succeeded == before + 3; }));
    CHECK(begun_in_last == 0);
    CHECK(first.drain(faf_test::patience));
    CHECK(faf::drain(faf_test::patience));
}

TEST_CASE("times in reports are those of the first stretch and of all of them") {
    error_recorder errors;
    faf::testing::manual_executor time;
    fire_and_forget(time, {.after = 2s}, []() -> faf::task<> {
        co_await faf::sleep_for(3s);
        throw 1;
    });
    time.advance(5s);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].waited == 0s);
    CHECK(errors.errors()[0].ran == 3s);
}

// task<T> -----------------------------------------------------------------------------------------

TEST_CASE("a task starts when it is awaited") {
    virtual_time time;
    std::vector<int> seen;
    fire_and_forget(time, [&seen]() -> faf::task<> {
        const auto work = [&seen]() -> faf::task<> {
            seen.push_back(2);
            co_return;
        };
        faf::task<> later = work();
        seen.push_back(1);
        co_await std::move(later);
        seen.push_back(3);
    });
    time.run_all();
    CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("a task gives values, move-only values and references") {
    virtual_time time;
    int target = 0;
    fire_and_forget(time, [&target]() -> faf::task<> {
        const auto owned = []() -> faf::task<std::unique_ptr<int>> {
            co_await faf::sleep_for(1s);
            co_return std::make_unique<int>(40);
        };
        const auto shared = [&target]() -> faf::task<int&> { co_return target; };
        const auto text = []() -> faf::task<std::string> { co_return "ab"; };
        const std::unique_ptr<int> forty = co_await owned();
        int& same = co_await shared();
        same = *forty + co_await number(2) + static_cast<int>((co_await text()).size());
    });
    time.run_all();
    time.advance(1s);
    CHECK(target == 44);
}

TEST_CASE("a task gives what is about to move, and what can only be copied") {
    struct copy_only {
        explicit copy_only(int of) noexcept : value(of) {}
        copy_only(const copy_only&) = default;
        copy_only(copy_only&&) = delete;
        copy_only& operator=(const copy_only&) = delete;
        ~copy_only() = default;
        int value;
    };
    faf::testing::manual_executor ex;
    std::unique_ptr<int> given = std::make_unique<int>(1);
    std::unique_ptr<int> taken;
    int copied = 0;
    fire_and_forget(ex, [&]() -> faf::task<> {
        const auto gives = [](std::unique_ptr<int>& from) -> faf::task<std::unique_ptr<int>&&> {
            co_await faf::yield();
            co_return std::move(from);
        };
        const auto copies = []() -> faf::task<copy_only> {
            const copy_only local(2);
            co_return local;
        };
        taken = co_await gives(given);
        copied = (co_await copies()).value;
    });
    ex.run_all();
    CHECK(given == nullptr);
    REQUIRE(taken != nullptr);
    CHECK(*taken == 1);
    CHECK(copied == 2);
}

TEST_CASE("an exception passes through the awaits, and can be caught there") {
    error_recorder errors;
    virtual_time time;
    std::string caught;
    fire_and_forget(time, [&caught]() -> faf::task<> {
        const auto throws = []() -> faf::task<int> {
            co_await faf::sleep_for(1s);
            throw std::runtime_error("deep");
        };
        const auto passes = [&throws]() -> faf::task<int> { co_return co_await throws() + 1; };
        try {
            static_cast<void>(co_await passes());
        } catch (const std::exception& e) { // the test looks at it
            caught = e.what();
        }
    });
    time.run_all();
    time.advance(1s);
    CHECK(caught == "deep");
    CHECK(errors.empty());
}

TEST_CASE("a task that was awaited or moved from throws when it is awaited") {
    error_recorder errors;
    virtual_time time;
    fire_and_forget(time, []() -> faf::task<> {
        faf::task<int> once = number(1);
        static_cast<void>(co_await std::move(once));
        static_cast<void>(co_await std::move(once));
    });
    time.run_all();
    REQUIRE(errors.count() == 1);
}

namespace {

struct from_int {
    int value;
    const char* how;
    from_int(int of) : value(of), how("implicit") {} // NOLINT(google-explicit-constructor)
    explicit from_int(short of) : value(of), how("explicit") {}
};

} // namespace

TEST_CASE("co_return takes what return would take, braces included") {
    virtual_time time;
    std::vector<int> got;
    std::string how;
    fire_and_forget(time, [&]() -> faf::task<> {
        const auto both = []() -> faf::task<std::pair<int, int>> { co_return {1, 2}; };
        const auto list = []() -> faf::task<std::vector<int>> { co_return {3, 4, 5}; };
        const auto none = []() -> faf::task<std::vector<int>> { co_return {}; };
        const auto converted = []() -> faf::task<from_int> { co_return short{6}; };
        const auto [one, two] = co_await both();
        got = co_await list();
        got.push_back(one);
        got.push_back(two);
        got.push_back(static_cast<int>((co_await none()).size()));
        how = (co_await converted()).how;
    });
    time.run_all();
    CHECK(got == std::vector{3, 4, 5, 1, 2, 0});
    CHECK(how == "implicit");
}

static_assert(!std::is_copy_constructible_v<faf::task<>>);
static_assert(std::is_nothrow_move_constructible_v<faf::task<>>);
static_assert(faf::detail::awaitable_result<faf::task<>>);
static_assert(!faf::detail::awaitable_result<faf::detached>);

// Depth -------------------------------------------------------------------------------------------

namespace {

faf::task<long> chain_of(long depth) {
    if (depth == 0) { // not ?:, where GCC 12 awaits in the arm that is not chosen, too
        co_return 0;
    }
    co_return 1 + co_await chain_of(depth - 1);
}
faf::task<> sleep_at(long depth) {
    if (depth == 0) {
        co_await faf::sleep_for(1s);
    } else {
        co_await sleep_at(depth - 1);
    }
}

constexpr long million = 1'000'000;

} // namespace

TEST_CASE("a million awaits in a row do not use up the stack") {
    virtual_time time;
    long sum = 0;
    fire_and_forget(time, [&sum]() -> faf::task<> {
        for (long i = 0; i < million; ++i) {
            sum += co_await number(1);
        }
    });
    time.run_all();
    CHECK(sum == million);
}

TEST_CASE("a million awaits in each other do not use up the stack") {
    virtual_time time;
    long sum = 0;
    fire_and_forget(time, [&sum]() -> faf::task<> { sum = co_await chain_of(million); });
    time.run_all();
    CHECK(sum == million);
}

TEST_CASE("a million coroutines that wait for each other can be given up") {
    virtual_time time;
    fire_and_forget(time, sleep_at, million);
    time.run_all();
    CHECK(time.sleepers() == 1);
    time.destroy_all();
}

// Waits -------------------------------------------------------------------------------------------

TEST_CASE("coroutines are destroyed from the inside out when they are given up") {
    virtual_time time;
    std::vector<int> seen;
    struct note {
        std::vector<int>& seen;
        int number;
        note(std::vector<int>& in, int no) : seen(in), number(no) {}
        note(const note&) = delete;
        note& operator=(const note&) = delete;
        ~note() { seen.push_back(number); }
    };
    fire_and_forget(time, [&seen, outermost = std::make_unique<note>(seen, 3)]() -> faf::task<> {
        const note outer(seen, 2);
        const auto inner = [&outer]() -> faf::task<> {
            const note inmost(outer.seen, 1);
            co_await faf::sleep_for(1s);
            outer.seen.push_back(-1);
        };
        co_await inner();
        seen.push_back(-2);
    });
    time.run_all();
    CHECK(seen.empty());
    time.destroy_all();
    CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("a yield lets others run first") {
    virtual_time time;
    std::vector<int> seen;
    const auto worker = [&seen](int id) -> faf::task<> {
        for (int i = 0; i < 2; ++i) {
            seen.push_back(id);
            co_await faf::yield();
        }
    };
    fire_and_forget(time, worker, 1);
    fire_and_forget(time, worker, 2);
    time.run_all();
    CHECK(seen == std::vector{1, 2, 1, 2});
}

TEST_CASE("a sleep until a time of the clock ends then") {
    virtual_time time;
    bool is_done = false;
    fire_and_forget(time, [&]() -> faf::task<> {
        co_await faf::sleep_until(time.now() + 5s);
        is_done = true;
    });
    time.run_all();
    time.advance(4s);
    CHECK(!is_done);
    time.advance(1s);
    CHECK(is_done);
}

TEST_CASE("shutdown ends sleeps, and the coroutines unwind as cancelled") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    int count = 0;
    fire_and_forget(time, [&count]() -> faf::task<> {
        const alive token(count);
        co_await sleep_a_while(1h);
    });
    time.run_all();
    CHECK(count == 1);
    time.stop();
    time.run_all();
    CHECK(count == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
    CHECK(time.fates == std::vector{fate::open, fate::cancelled});
}

TEST_CASE("a task's own stop_token ends its sleep and no other") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    std::stop_source stop;
    fire_and_forget(time, {.name = "mine", .stop = stop.get_token()}, sleep_a_while, 1h);
    fire_and_forget(time, sleep_a_while, 1h);
    time.run_all();
    CHECK(time.sleepers() == 2);
    stop.request_stop();
    CHECK(time.notices == 1);
    time.run_all();
    CHECK(time.sleepers() == 1);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].task == "mine");
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("a stop asked for by a task itself cancels its next sleep") {
    virtual_time time;
    std::stop_source stop;
    bool was_cancelled = false;
    fire_and_forget(time, {.stop = stop.get_token()}, [&]() -> faf::task<> {
        stop.request_stop();
        try {
            co_await faf::sleep_for(1s);
        } catch (const faf::task_cancelled&) { // the test looks for it
            was_cancelled = true;
        }
    });
    time.run_all();
    CHECK(was_cancelled);
    CHECK(time.sleepers() == 0);
}

namespace {

/// Asked to stop at a moment when nobody can find the one that lies down to sleep.
class stopping_time : public virtual_time {
public:
    bool resume_at(faf::detail::suspended& one) noexcept override {
        before_sleep();
        return virtual_time::resume_at(one);
    }

    std::function<void()> before_sleep = [] {};
};

} // namespace

TEST_CASE("a stop that is asked for while a coroutine lies down ends its sleep") {
    for (const bool by_own : {true, false}) {
        stopping_time time;
        std::stop_source own;
        bool was_cancelled = false;
        time.before_sleep = [&] { by_own ? static_cast<void>(own.request_stop()) : time.stop(); };
        fire_and_forget(time, {.stop = own.get_token()}, [&]() -> faf::task<> {
            try {
                co_await faf::sleep_for(1h);
            } catch (const faf::task_cancelled&) { // the test looks for it
                was_cancelled = true;
            }
        });
        time.run_all();
        CHECK(was_cancelled);
        CHECK(time.sleepers() == 0);
    }
}

TEST_CASE("where a coroutine has slept nobody hears of a stop that comes after its sleep") {
    virtual_time time;
    std::stop_source stop;
    faf::completion<> done;
    bool is_over = false;
    fire_and_forget(time, {.stop = stop.get_token()}, [&]() -> faf::task<> {
        co_await faf::sleep_for(1s);
        co_await done;
        is_over = true;
    });
    time.run_all();
    time.advance(1s);
    stop.request_stop();
    CHECK(time.notices == 0);
    done.complete();
    time.run_all();
    CHECK(is_over);
}

TEST_CASE("waits at an executor that is closed are cancelled") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    fire_and_forget(time, sleep_a_while, 1h);
    fire_and_forget(time, []() -> faf::task<> { co_await faf::yield(); });
    time.is_closed = true;
    time.run_all();
    CHECK(errors.count() == 2);
    CHECK(time.fates == std::vector{fate::cancelled, fate::cancelled});
}

TEST_CASE("the stop_token of a coroutine stops with its own and with its executor's") {
    for (const bool by_own : {true, false}) {
        virtual_time time;
        std::stop_source own;
        std::stop_token seen;
        std::stop_token given;
        fire_and_forget(time, {.stop = own.get_token()}, [&](std::stop_token first) -> faf::task<> {
            given = first;
            seen = co_await faf::this_stop_token();
            co_await faf::sleep_for(1s);
        });
        time.run_all();
        CHECK(!seen.stop_requested());
        by_own ? static_cast<void>(own.request_stop()) : time.stop();
        CHECK(seen.stop_requested());
        CHECK(given.stop_requested());
        time.run_all();
    }
}

// Executors ---------------------------------------------------------------------------------------

TEST_CASE("a coroutine goes on where it was put, and so does who awaits it") {
    virtual_time first;
    virtual_time second;
    std::vector<int> seen;
    fire_and_forget(first, [&]() -> faf::task<> {
        seen.push_back(1);
        const auto moves = [&]() -> faf::task<> { co_await faf::resume_on(second); };
        co_await moves();
        seen.push_back(2);
        co_await faf::sleep_for(1s);
        seen.push_back(3);
    });
    first.run_all();
    CHECK(seen == std::vector{1});
    second.run_all();
    CHECK(seen == std::vector{1, 2});
    second.advance(1s);
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(first.sleepers() == 0);
}

TEST_CASE("an executor of somebody else's takes a coroutine as a job") {
    error_recorder errors;
    virtual_time time;
    std::vector<faf::job> jobs;
    const auto other = [&jobs](faf::job work) { jobs.push_back(std::move(work)); };
    int step = 0;
    fire_and_forget(time, [&]() -> faf::task<> {
        step = 1;
        co_await faf::resume_on(other);
        step = 2;
        throw std::runtime_error("there");
    });
    time.run_all();
    CHECK(step == 1);
    REQUIRE(jobs.size() == 1);
    jobs[0]();
    CHECK(step == 2);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "there");
}

TEST_CASE("a job with a coroutine that is dropped ends the coroutine, and is reported") {
    error_recorder errors;
    virtual_time time;
    std::vector<faf::job> jobs;
    const auto other = [&jobs](faf::job work) { jobs.push_back(std::move(work)); };
    int count = 0;
    fire_and_forget(time, [&count, other]() -> faf::task<> {
        const alive token(count);
        co_await faf::resume_on(other);
    });
    time.run_all();
    CHECK(count == 1);
    jobs.clear();
    CHECK(count == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

TEST_CASE("an executor that is closed leaves the coroutine where it was, cancelled") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time first;
    virtual_time second;
    second.is_closed = true;
    fire_and_forget(first, [&second]() -> faf::task<> { co_await faf::resume_on(second); });
    first.run_all();
    CHECK(first.fates == std::vector{fate::cancelled});
    CHECK(errors.count() == 1);
}

// Callbacks ---------------------------------------------------------------------------------------

TEST_CASE("a completion before the co_await does not suspend") {
    virtual_time time;
    int got = 0;
    fire_and_forget(time, [&got]() -> faf::task<> {
        faf::completion<int> done;
        done.complete(5);
        got = co_await done;
    });
    CHECK(time.run_all() == 1);
    CHECK(got == 5);
    CHECK(time.keepers == 0);
}

TEST_CASE("a completion from another thread resumes the coroutine where it was") {
    virtual_time time;
    std::string got;
    std::thread::id where;
    faf::completion<std::string>* callback = nullptr;
    fire_and_forget(time, [&]() -> faf::task<> {
        faf::completion<std::string> done;
        callback = &done;
        got = co_await done;
        where = std::this_thread::get_id();
    });
    time.run_all();
    CHECK(time.keepers == 1);
    std::thread([callback] { callback->complete("there"); }).join();
    CHECK(got.empty());
    time.run_all();
    CHECK(got == "there");
    CHECK(where == std::this_thread::get_id());
    CHECK(time.keepers == 0);
}

TEST_CASE("a completion that fails throws where it is awaited") {
    error_recorder errors;
    virtual_time time;
    fire_and_forget(time, []() -> faf::task<> {
        faf::completion<> done;
        done.fail(std::make_exception_ptr(std::runtime_error("refused")));
        co_await done;
    });
    time.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "refused");
}

TEST_CASE("a completer that is dropped cancels the wait") {
    error_recorder errors;
    virtual_time time;
    std::vector<faf::completion<int>::completer_type> callbacks;
    fire_and_forget(time, [&callbacks]() -> faf::task<> {
        faf::completion<int> done;
        callbacks.push_back(done.completer());
        static_cast<void>(co_await done);
    });
    time.run_all();
    callbacks.clear();
    time.run_all();
    CHECK(time.fates == std::vector{fate::open, fate::cancelled});
}

TEST_CASE("a completer fits into a std::function, and the last copy that goes cancels who waits") {
    faf::testing::manual_executor ex;
    int got = 0;
    bool is_cancelled = false;
    std::function<void(int)> callback;
    fire_and_forget(ex, [&]() -> faf::task<> {
        faf::completion<int> done;
        callback = done.completer();
        try {
            got = co_await done;
        } catch (const faf::task_cancelled&) {
            is_cancelled = true;
        }
    });
    ex.run_all();
    std::function<void(int)> copy = callback;
    callback = nullptr;
    ex.run_all();
    CHECK_FALSE(is_cancelled);

    SECTION("a copy completes it") {
        copy(5);
        ex.run_all();
        CHECK(got == 5);
    }
    SECTION("all are gone") {
        copy = nullptr;
        ex.run_all();
        CHECK(is_cancelled);
    }
}

TEST_CASE("a completion at a closed executor is reported as abandoned") {
    error_recorder errors;
    virtual_time time;
    int count = 0;
    faf::completion<>* callback = nullptr;
    fire_and_forget(time, [&]() -> faf::task<> {
        const alive token(count);
        faf::completion<> done;
        callback = &done;
        co_await done;
    });
    time.run_all();
    time.is_closed = true;
    callback->complete();
    CHECK(count == 0);
    CHECK(time.keepers == 0);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

TEST_CASE(
    "a callback that comes twice is ignored the second time, also by a moved-from completer") {
    faf::testing::manual_executor ex;
    std::vector<int> got;
    fire_and_forget(ex, [&got]() -> faf::task<> {
        faf::completion<int> done;
        auto first = done.completer();
        CHECK(first(1));
        CHECK(!first(2));
        auto second = std::move(first);
        CHECK(!first(3)); // NOLINT(bugprone-use-after-move): that is the point
        CHECK(!second(4));
        CHECK(!done.complete(5));
        CHECK(!done.fail(std::make_exception_ptr(std::runtime_error("late"))));
        got.push_back(co_await done);
        CHECK(!second(6));
    });
    ex.run_all();
    CHECK(got == std::vector{1});
}

TEST_CASE("a completion can be awaited again and gives its value each time") {
    error_recorder errors;
    faf::testing::manual_executor ex;
    faf::completion<std::string> done;
    faf::completion<> event;
    std::vector<std::string> got;
    for (int i = 0; i < 2; ++i) {
        fire_and_forget(ex, [&]() -> faf::task<> {
            co_await event;
            co_await event;
            got.push_back(co_await done);
            got.push_back(co_await done);
        });
        event.complete();
        done.complete("a text that is too long to be stored in the string itself");
        ex.run_all();
    }
    REQUIRE(got.size() == 4);
    CHECK(got.front().size() > 40);
    CHECK(got.back() == got.front());
    CHECK(errors.empty());
}

TEST_CASE("a value that can't be copied is given once, and so is one that is moved out") {
    error_recorder errors;
    faf::testing::manual_executor ex;
    int sum = 0;
    fire_and_forget(ex, [&sum]() -> faf::task<> {
        faf::completion<std::unique_ptr<int>> owned;
        owned.complete(std::make_unique<int>(1));
        sum += *co_await owned;
        sum += *co_await owned;
    });
    fire_and_forget(ex, [&sum]() -> faf::task<> {
        faf::completion<int> moved;
        moved.complete(10);
        sum += co_await std::move(moved);
        sum += co_await std::move(moved); // NOLINT(bugprone-use-after-move): that is the point
    });
    ex.run_all();
    CHECK(sum == 11);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].type == "std::logic_error");
    CHECK(errors.errors()[1].type == "std::logic_error");
}

TEST_CASE("a coroutine that awaits what another one waits for gets an error that its sink hears") {
    error_recorder errors;
    faf::testing::manual_executor ex;
    faf::completion<> event;
    int woken = 0;
    std::vector<std::string> heard;
    const auto waits = [&]() -> faf::task<> {
        co_await event;
        ++woken;
    };
    fire_and_forget(ex, waits);
    fire_and_forget(
        ex,
        {.on_error = [&heard](const faf::error_report& about) { heard.emplace_back(about.type); }},
        waits);
    ex.run_all();
    CHECK(heard == std::vector<std::string>{"std::logic_error"});
    event.complete();
    ex.run_all();
    CHECK(woken == 1);
    CHECK(errors.empty());
}

TEST_CASE("a completion outlives its completers, and they outlive it") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    std::optional<faf::completion<int>::completer_type> callback;
    fire_and_forget(time, [&callback]() -> faf::task<> {
        faf::completion<int> forgotten;
        callback.emplace(forgotten.completer());
        co_return;
    });
    time.run_all();
    CHECK((*callback)(1)); // nobody waits for it any more
    auto gone = std::make_unique<faf::completion<int>>();
    fire_and_forget(time, [&gone]() -> faf::task<> { static_cast<void>(co_await *gone); });
    time.run_all();
    gone.reset(); // and with it the last who could have completed it
    time.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("of two completers that are dropped the last one cancels the wait") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    std::vector<faf::completion<int>::completer_type> callbacks;
    int got = 0;
    for (int i = 0; i < 2; ++i) {
        fire_and_forget(time, [&]() -> faf::task<> {
            faf::completion<int> done;
            callbacks.push_back(done.completer());
            callbacks.push_back(done.completer());
            got += co_await done;
        });
        time.run_all();
        callbacks.pop_back();
        time.run_all();
        CHECK(errors.empty());
        if (i == 0) {
            callbacks.back()(7);
        }
        callbacks.clear();
        time.run_all();
    }
    CHECK(got == 7);
    CHECK(errors.count() == 1);
}

namespace {

/// Keeps the handle of who waits for it.
struct held_handle {
    std::coroutine_handle<>& waiting;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> who) const noexcept { waiting = who; }
    static void await_resume() noexcept {}
};

} // namespace

TEST_CASE("a handle that somebody else destroys instead of resuming it cancels the wait") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    std::coroutine_handle<> held;
    fire_and_forget(time, [&held]() -> faf::task<> { co_await held_handle{held}; });
    time.run_all();
    held.destroy();
    time.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::cancelled);
}

TEST_CASE("an awaitable that does not suspend after all, or throws, is no wait") {
    error_recorder errors;
    virtual_time time;
    struct refusing {
        static bool await_ready() noexcept { return false; }
        static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
        static int await_resume() noexcept { return 4; }
    };
    struct throwing {
        static bool await_ready() noexcept { return false; }
        static void await_suspend(std::coroutine_handle<>) { throw std::runtime_error("no"); }
        static void await_resume() noexcept {}
    };
    int got = 0;
    fire_and_forget(time, [&got]() -> faf::task<> {
        got = co_await refusing{};
        co_await throwing{};
    });
    time.run_all();
    CHECK(got == 4);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "no");
}

// Given up ----------------------------------------------------------------------------------------

TEST_CASE("a coroutine that waits for a callback is pending, and ends with its executor") {
    error_recorder global;
    std::vector<std::string> own;
    int count = 0;
    faf::completion<int> never;
    std::optional<faf::completion<int>::completer_type> late;
    {
        faf::testing::manual_executor ex;
        const auto waits = [&]() -> faf::task<> {
            const alive token(count);
            static_cast<void>(co_await never);
        };
        fire_and_forget(ex, {.name = "asks"}, waits);
        fire_and_forget(
            ex,
            {.on_error = [&own](const faf::error_report& about) { own.emplace_back(about.what); }},
            [&]() -> faf::task<> {
                const alive token(count);
                faf::completion<int> mine;
                late.emplace(mine.completer());
                static_cast<void>(co_await mine);
            });
        ex.run_all();
        CHECK(ex.pending() == 2);
        CHECK(count == 2);
    }
    CHECK(count == 0);
    REQUIRE(global.count() == 1);
    CHECK(global.errors()[0].kind == faf::failure::abandoned);
    CHECK(global.errors()[0].task == "asks");
    CHECK(own.size() == 1);
    (*late)(1); // nobody waits any more
    never.complete(2);
    faf::testing::manual_executor ex;
    int got = 0;
    fire_and_forget(ex, [&]() -> faf::task<> { got = co_await never; });
    ex.run_all();
    CHECK(got == 2);
}

TEST_CASE("a coroutine goes on at an executor that has members called as the library's") {
    struct has_familiar_names {
        int core() const { return 0; }
        int home() const { return 0; }
        void execute(faf::job work) const { work(); }
    };
    faf::testing::manual_executor ex;
    const has_familiar_names runs;
    bool has_gone_on = false;
    fire_and_forget(ex, [&]() -> faf::task<> {
        co_await faf::resume_on(runs);
        has_gone_on = true;
    });
    ex.run_all();
    CHECK(has_gone_on);
}

TEST_CASE("a shutdown has given up nothing if it was another who did, before it began") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    const auto drops = [](faf::job work) { const faf::job dropped = std::move(work); };
    fire_and_forget(pool, [drops]() -> faf::task<> { co_await faf::resume_on(drops); });
    CHECK(pool.drain(faf_test::patience));
    CHECK(pool.snapshot().dropped == 1);
    CHECK(pool.shutdown(faf_test::patience));
    CHECK(errors.count() == 1);
}

TEST_CASE("a shutdown says that another has given up what it waited for") {
    error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    std::optional<faf::job> kept;
    const auto keeps = [&kept](faf::job work) { kept.emplace(std::move(work)); };
    fire_and_forget(pool, [keeps]() -> faf::task<> { co_await faf::resume_on(keeps); });
    fire_and_forget(pool, [&kept](const faf::detail::stop_token& closing) {
        CHECK(faf_test::eventually([&] { return closing.stop_requested(); }));
        kept.reset();
    });
    CHECK(!pool.shutdown(faf_test::patience));
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::abandoned);
}

TEST_CASE("who waits for what another coroutine waited for before it was given up gets it") {
    error_recorder errors;
    faf::completion<int> answer;
    {
        faf::testing::manual_executor first;
        fire_and_forget(first, [&]() -> faf::task<> { static_cast<void>(co_await answer); });
        first.run_all();
    }
    faf::testing::manual_executor second;
    int got = 0;
    fire_and_forget(second, [&]() -> faf::task<> { got = co_await answer; });
    second.run_all();
    answer.complete(3);
    second.run_all();
    CHECK(got == 3);
    CHECK(errors.count() == 1);
}

TEST_CASE("a coroutine given up while others hold its handle lives until they use it") {
    for (const bool is_resumed : {true, false}) {
        error_recorder errors;
        int count = 0;
        std::coroutine_handle<> held;
        {
            faf::testing::manual_executor ex;
            fire_and_forget(ex, {.name = "held"}, [&]() -> faf::task<> {
                const alive token(count);
                co_await held_handle{held};
            });
            ex.run_all();
            CHECK(ex.pending() == 1);
        }
        CHECK(count == 1); // what it awaits may touch its frame
        REQUIRE(errors.count() == 1);
        CHECK(errors.errors()[0].kind == faf::failure::abandoned);
        CHECK(errors.errors()[0].task == "held");
        is_resumed ? held.resume() : held.destroy();
        CHECK(count == 0);
        CHECK(errors.count() == 1);
    }
}

// detached ----------------------------------------------------------------------------------------

namespace {

virtual_time* stage = nullptr;
struct on_stage {
    static faf::detail::scheduler* get() noexcept { return stage; }
};
using on_its_own = faf::detail::oneway_task<on_stage>;

on_its_own appear(std::vector<int>& seen, std::unique_ptr<int> value) {
    seen.push_back(*value);
    co_await faf::sleep_for(1s);
    seen.push_back(-*value);
}
on_its_own fail_on_stage() {
    co_await faf::yield();
    throw std::runtime_error("forgot the text");
}
on_its_own fail_for_caller(faf::call_site) {
    throw std::runtime_error("forgot the text");
    co_return;
}

} // namespace

TEST_CASE("a detached coroutine starts itself, elsewhere") {
    virtual_time time;
    stage = &time;
    std::vector<int> seen;
    appear(seen, std::make_unique<int>(4));
    CHECK(seen.empty());
    time.run_all();
    CHECK(seen == std::vector{4});
    time.advance(1s);
    CHECK(seen == std::vector{4, -4});
}

TEST_CASE("a detached coroutine's exception is reported and names it") {
    error_recorder errors;
    virtual_time time;
    stage = &time;
    fail_on_stage();
    fail_for_caller(faf::call_site::current());
    const unsigned line = __LINE__ - 1;
    time.run_all();
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].where.line() == line);
    const std::string_view named = errors.errors()[1].where.function_name();
    CHECK(named.find("fail_on_stage") != named.npos);
}

TEST_CASE("a detached coroutine that can't start is reported as refused, and is gone") {
    error_recorder errors;
    virtual_time time;
    time.is_closed = true;
    stage = &time;
    std::vector<int> seen;
    appear(seen, std::make_unique<int>(4));
    CHECK(seen.empty());
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::refused);
}

TEST_CASE("a detached coroutine is destroyed where its executor gives it up") {
    virtual_time time;
    stage = &time;
    std::vector<int> seen;
    appear(seen, std::make_unique<int>(4));
    time.destroy_all();
    CHECK(seen.empty());
    appear(seen, std::make_unique<int>(5));
    time.run_all();
    time.destroy_all();
    CHECK(seen == std::vector{5});
}

namespace {

faf::thread_pool* small_pool = nullptr;
struct on_small_pool {
    static faf::detail::scheduler* get() noexcept {
        return &faf::detail::core_access::of(*small_pool).home();
    }
};
using on_a_small_pool = faf::detail::oneway_task<on_small_pool>;

on_a_small_pool note_run(std::atomic<int>& runs) {
    ++runs;
    co_return;
}

} // namespace

TEST_CASE("a detached coroutine finds a full pool full, and a closed one closed") {
    error_recorder errors;
    std::atomic<int> runs{0};
    std::atomic<bool> may_end{false};
    std::atomic<bool> is_busy{false};
    faf::thread_pool pool({.threads = 1, .max_pending = 2});
    small_pool = &pool;
    fire_and_forget(pool, [&] {
        is_busy = true;
        may_end.wait(false);
    });
    CHECK(faf_test::eventually([&] { return is_busy.load(); }));
    for (int i = 0; i < 3; ++i) {
        note_run(runs);
    }
    CHECK(errors.count() == 1);
    CHECK(pool.snapshot().accepted == 3);
    CHECK(pool.snapshot().refused == 1);
    may_end = true;
    may_end.notify_all();
    CHECK(pool.shutdown(faf_test::patience));
    CHECK(runs == 2);
    CHECK(pool.snapshot().succeeded == 3);
    note_run(runs);
    CHECK(runs == 2);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[1].kind == faf::failure::refused);
    CHECK(errors.errors()[1].what == faf::to_string(faf::refusal::shutting_down));
}

// Edges -------------------------------------------------------------------------------------------

namespace {

/// Can't be made.
struct unmakeable {
    explicit unmakeable(int why) { throw why; }
};

struct alignas(128) wide {
    bool is_aligned() const noexcept {
        return reinterpret_cast<std::uintptr_t>(this) % alignof(wide) == 0;
    }
};

} // namespace

TEST_CASE("what making the result of a completion throws, the co_await throws") {
    faf::testing::manual_executor ex;
    int caught = 0;
    fire_and_forget(ex, [&caught]() -> faf::task<> {
        faf::completion<unmakeable> done;
        done.completer()(7);
        try {
            co_await done;
        } catch (int why) {
            caught = why;
        }
    });
    ex.run_all();
    CHECK(caught == 7);
}

TEST_CASE("a completion takes several arguments, or none") {
    faf::testing::manual_executor ex;
    std::vector<int> seen;
    fire_and_forget(ex, [&seen]() -> faf::task<> {
        faf::completion<std::pair<int, int>> both;
        both.complete(1, 2);
        const auto [one, two] = co_await both;
        faf::completion<std::vector<int>> nothing;
        nothing.complete();
        const std::vector<int> empty = co_await nothing;
        seen.push_back(one);
        seen.push_back(two);
        seen.push_back(static_cast<int>(empty.size()));
    });
    ex.run_all();
    CHECK(seen == std::vector{1, 2, 0});
}

TEST_CASE("arguments of a fired coroutine are aligned as they ask for") {
    faf::testing::manual_executor ex;
    int aligned = 0;
    for (int i = 0; i < 4; ++i) {
        fire_and_forget(
            ex,
            [&aligned](const wide& argument) -> faf::task<> {
                co_await faf::yield();
                aligned += argument.is_aligned() ? 1 : 0;
            },
            wide());
        ex.run_all();
    }
    CHECK(aligned == 4);
}

TEST_CASE("a task's own sink hears of it on whatever executor it came to fail") {
    error_recorder global;
    int own = 0;
    std::vector<faf::job> jobs;
    const auto foreign = [&jobs](faf::job work) { jobs.push_back(std::move(work)); };
    faf::testing::manual_executor ex;
    fire_and_forget(ex, {.on_error = [&own](const faf::error_report&) { ++own; }},
                    [&foreign]() -> faf::task<> {
                        co_await faf::resume_on(foreign);
                        throw std::runtime_error("elsewhere");
                    });
    ex.run_all();
    REQUIRE(jobs.size() == 1);
    jobs[0]();
    CHECK(own == 1);
    CHECK(global.empty());
}

TEST_CASE("a task's own sink hears that its coroutine is abandoned") {
    error_recorder global;
    std::vector<faf::failure> own;
    {
        faf::testing::manual_executor ex;
        fire_and_forget(
            ex,
            {.on_error = [&own](const faf::error_report& report) { own.push_back(report.kind); }},
            []() -> faf::task<> { co_await faf::sleep_for(1h); });
        ex.run_all();
    }
    CHECK(own == std::vector{faf::failure::abandoned});
    CHECK(global.empty());
}

TEST_CASE("a coroutine goes on where a lambda hands its jobs on to an executor of the library") {
    faf::testing::manual_executor executor;
    const auto hand_on = [&](faf::job work) { executor.execute(std::move(work)); };
    bool is_done = false;
    fire_and_forget(hand_on, [&]() -> faf::task<> {
        co_await faf::sleep_for(1s);
        is_done = true;
    });
    executor.run_one();
    fire_and_forget(executor, [&] { executor.advance(1s); });
    for (int i = 0; i < 20; ++i) { // and not to and fro for ever
        executor.run_one();
    }
    CHECK(is_done);
}
