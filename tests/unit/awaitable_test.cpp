// SPDX-License-Identifier: MIT
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/detail/coroutine/awaitable.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"
#include "virtual_time.hpp"

#include <coroutine>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace foreign {

/// An event of another library, which whoever has it sets.
struct event {
    std::coroutine_handle<> waiting{};
    void set() { std::exchange(waiting, nullptr).resume(); }
};

/// The first kind: an awaiter itself. It can't be moved.
struct awaiter {
    event& on;
    int value = 1;

    explicit awaiter(event& to) noexcept : on(to) {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;

    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> who) const noexcept { on.waiting = who; }
    int await_resume() const noexcept { return value; }
};

/// The second: with a member.
struct with_member {
    event& on;
    awaiter operator co_await() const noexcept { return awaiter(on); }
};

/// The third: with a free function, found where the type is.
struct with_function {
    event& on;
};
inline awaiter operator co_await(const with_function& one) noexcept {
    return awaiter(one.on);
}

/// Decides in await_suspend not to wait.
struct changes_its_mind {
    static bool await_ready() noexcept { return false; }
    static bool await_suspend(std::coroutine_handle<>) noexcept { return false; }
    static std::unique_ptr<int> await_resume() { return std::make_unique<int>(7); }
};

/// Resumes at once, inside of await_suspend.
struct resumes_at_once {
    static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> who) { who.resume(); }
    static void await_resume() noexcept {}
};

struct throws_in_suspend {
    static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<>) { throw std::runtime_error("no"); }
    static void await_resume() noexcept {}
};

struct destroys_who_waits {
    static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> who) noexcept { who.destroy(); }
    static void await_resume() noexcept {}
};

/// A lazy coroutine of another library, which transfers control by handles.
struct lazy {
    struct promise_type {
        std::coroutine_handle<> who{};
        lazy get_return_object() noexcept {
            return lazy{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        struct back {
            static bool await_ready() noexcept { return false; }
            static std::coroutine_handle<>
            await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
                return ended.promise().who;
            }
            static void await_resume() noexcept {}
        };
        static back final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        static void unhandled_exception() noexcept {}
    };

    explicit lazy(std::coroutine_handle<promise_type> made) noexcept : frame(made) {}
    lazy(lazy&& other) noexcept : frame(std::exchange(other.frame, nullptr)) {}
    lazy& operator=(lazy&&) = delete;
    ~lazy() {
        if (frame) {
            frame.destroy();
        }
    }

    static bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> who) const noexcept {
        frame.promise().who = who;
        return frame;
    }
    static void await_resume() noexcept {}

    std::coroutine_handle<promise_type> frame;
};

struct none {};
enum class also_none { a };

} // namespace foreign

namespace {

using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf_test::virtual_time;
using fate = faf::detail::fate;

foreign::lazy note(int& seen) {
    ++seen;
    co_return;
}
foreign::lazy wait_for(foreign::event& on, int& seen) {
    seen += co_await foreign::awaiter(on);
}

} // namespace

static_assert(faf::detail::awaitable_result<foreign::awaiter>);
static_assert(faf::detail::awaitable_result<foreign::with_member>);
static_assert(faf::detail::awaitable_result<foreign::with_function&>);
static_assert(faf::detail::awaitable_result<foreign::lazy>);
static_assert(!faf::detail::awaitable_result<foreign::none>);
static_assert(!faf::detail::awaitable_result<foreign::also_none>);
static_assert(!faf::detail::awaitable_result<void>);
static_assert(!faf::detail::awaitable_result<int*>);
static_assert(!faf::detail::awaitable_result<std::string>);
static_assert(!faf::detail::awaitable_result<std::future<int>>);
static_assert(std::is_same_v<faf::detail::await_result_t<foreign::with_member>, int>);

TEST_CASE("the three kinds of awaitables are awaited, on the executor the coroutine was on") {
    virtual_time time;
    foreign::event event;
    std::vector<int> seen;
    fire_and_forget(time, [&]() -> faf::task<> {
        seen.push_back(co_await foreign::awaiter(event));
        seen.push_back(co_await foreign::with_member{event} + 1);
        foreign::with_function third{event};
        seen.push_back(co_await third + 2);
    });
    for (int i = 0; i < 3; ++i) {
        time.run_all();
        CHECK(seen.size() == static_cast<std::size_t>(i));
        CHECK(time.keepers == 1);
        std::thread([&event] { event.set(); }).join();
        CHECK(seen.size() == static_cast<std::size_t>(i)); // not on that thread
    }
    time.run_all();
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(time.keepers == 0);
}

TEST_CASE("an awaitable that a fired callable returns is awaited, and its captures live") {
    virtual_time time;
    foreign::event event;
    auto token = std::make_shared<int>(1);
    const std::weak_ptr<int> observer = token;
    fire_and_forget(time,
                    [token = std::move(token), &event] { return foreign::with_member{event}; });
    time.run_all();
    CHECK(!observer.expired());
    event.set();
    time.run_all();
    CHECK(observer.expired());
    CHECK(time.fates == std::vector{fate::open, fate::succeeded});
}

TEST_CASE("an awaitable that does not suspend costs no turn") {
    virtual_time time;
    int got = 0;
    fire_and_forget(time, [&got]() -> faf::task<> {
        const std::unique_ptr<int> seven = co_await foreign::changes_its_mind();
        got = *seven;
        for (int i = 0; i < 100'000; ++i) {
            co_await foreign::resumes_at_once();
        }
        co_await std::suspend_never();
    });
    CHECK(time.run_all() == 1);
    CHECK(got == 7);
}

TEST_CASE("a lazy coroutine of another library is awaited") {
    virtual_time time;
    foreign::event event;
    int seen = 0;
    fire_and_forget(time, [&]() -> faf::task<> {
        for (int i = 0; i < 1'000; ++i) {
            co_await note(seen);
        }
        co_await wait_for(event, seen);
        seen = -seen;
    });
    CHECK(time.run_all() == 1);
    CHECK(seen == 1'000);
    event.set();
    time.run_all();
    CHECK(seen == -1'001);
}

TEST_CASE("an awaitable that throws while it suspends throws where it is awaited") {
    error_recorder errors;
    virtual_time time;
    fire_and_forget(time, [] { return foreign::throws_in_suspend(); });
    time.run_all();
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "no");
    CHECK(time.fates == std::vector{fate::failed});
}

TEST_CASE("a coroutine whose event is destroyed is cancelled") {
    error_recorder errors(faf::hears::cancelled_too);
    virtual_time time;
    foreign::event event;
    fire_and_forget(time, [&event] { return foreign::with_member{event}; });
    fire_and_forget(time, [] { return foreign::destroys_who_waits(); });
    time.run_all();
    event.waiting.destroy();
    time.run_all();
    CHECK(errors.count() == 2);
    CHECK(time.fates == std::vector{fate::open, fate::cancelled, fate::cancelled});
    CHECK(time.keepers == 0);
}
