// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/pool/own_threads.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "catch.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using faf::fire_and_forget;
using faf::refusal;
using faf::testing::error_recorder;
using faf::testing::manual_executor;
using faf::testing::recorded_error;

constexpr faf::inline_executor at_once{};

void fail() {
    throw std::runtime_error("task");
}

recorded_error only(const error_recorder& errors) {
    REQUIRE(errors.count() == 1);
    return errors.errors().front();
}

int calls_of_function = 0;
void function(int times) {
    calls_of_function += times;
}

struct counts {
    int copies = 0;
    int moves = 0;
};

/// Counts how often it is copied and moved.
class tracked {
public:
    explicit tracked(counts& to) : to_(&to) {}
    tracked(const tracked& other) : to_(other.to_) { ++to_->copies; }
    tracked(tracked&& other) noexcept : to_(other.to_) { ++to_->moves; }
    tracked& operator=(const tracked&) = delete;
    void operator()() const {}

private:
    counts* to_;
};

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copy"); }
    void operator()() const {}
};

struct has_no_room {
    has_no_room() = default;
    has_no_room(const has_no_room&) { throw std::bad_alloc(); }
    void operator()() const {}
};

} // namespace

// Ways to call -----------------------------------------------------------------------------------

TEST_CASE("a plain call runs the callable on a thread of the default pool") {
    std::thread::id ran_on;
    CHECK(fire_and_forget([&] { ran_on = std::this_thread::get_id(); }));
    REQUIRE(faf::drain(60s));
    CHECK(ran_on != std::thread::id());
    CHECK(ran_on != std::this_thread::get_id());
}

TEST_CASE("a call with arguments passes them on") {
    std::string text;
    CHECK(fire_and_forget([&](const std::string& a, int b) { text = a + std::to_string(b); },
                          std::string("n="), 5));
    REQUIRE(faf::drain(60s));
    CHECK(text == "n=5");
}

TEST_CASE("a call with options runs the callable on the default pool") {
    std::atomic<int> sum = 0; // both may run at the same time
    CHECK(fire_and_forget(
        {.name = "add"}, [&](int n) { sum += n; }, 2));
    CHECK(fire_and_forget(
        {}, [&](int n) { sum += n; }, 3));
    const faf::options kept{.name = "kept", .priority = faf::priority::normal};
    REQUIRE(faf::drain(60s));
    CHECK(fire_and_forget(kept, [&] { sum += 10; }));
    REQUIRE(faf::drain(60s));
    CHECK(sum == 15);
}

TEST_CASE("a call with an executor runs the callable there") {
    manual_executor ex;
    int sum = 0;
    CHECK(fire_and_forget(ex, [&] { sum += 1; }));
    CHECK(fire_and_forget(
        ex, [&](int n) { sum += n; }, 10));
    CHECK(sum == 0);
    CHECK(ex.run_all() == 2);
    CHECK(sum == 11);
}

TEST_CASE("a call with an executor and options runs the callable there") {
    manual_executor ex;
    int sum = 0;
    const faf::options how{.name = "kept"};
    CHECK(fire_and_forget(ex, {.name = "one"}, [&] { sum += 1; }));
    CHECK(fire_and_forget(
        ex, how, [&](int n) { sum += n; }, 10));
    CHECK(ex.run_all() == 2);
    CHECK(sum == 11);
}

TEST_CASE("a task may take options or another executor as its arguments") {
    manual_executor ex;
    std::string name;
    int runs = 0;
    CHECK(fire_and_forget(
        ex, [&](const faf::options& how) { name = how.name; },
        faf::options{.name = "an argument"}));
    CHECK(fire_and_forget(
        ex, [&](manual_executor& other) { fire_and_forget(other, [&] { ++runs; }); },
        std::ref(ex)));
    CHECK(ex.run_all() == 3);
    CHECK(name == "an argument");
    CHECK(runs == 1);
}

TEST_CASE("a type derived from options is taken for options") {
    struct house_options : faf::options {
        house_options() { name = "house"; }
    };
    const error_recorder errors;
    CHECK(fire_and_forget(at_once, house_options(), fail));
    CHECK(only(errors).task == "house");
}

TEST_CASE("a comparison with null that throws refuses the task and throws no further") {
    struct odd {
        odd() = default;
        odd(std::nullptr_t) {}
        bool operator==(std::nullptr_t) const { throw std::logic_error("compared"); }
        void operator()() const {}
    };
    const error_recorder errors;
    CHECK(fire_and_forget(at_once, odd()).why() == refusal::copy_threw);
    CHECK(only(errors).what == "compared");
}

TEST_CASE("a call may be qualified, imported or found through the whole namespace") {
    int runs = 0;
    faf::fire_and_forget(at_once, [&] { ++runs; });
    {
        using namespace faf;
        fire_and_forget(at_once, [&] { ++runs; });
    }
    CHECK(runs == 2);
}

static_assert(noexcept(std::declval<faf::submission>().why()));
static_assert(std::is_same_v<decltype(fire_and_forget(at_once, [] {})), faf::submission>);

// What can be called ------------------------------------------------------------------------------

TEST_CASE("lambdas of every kind can be fired") {
    int sum = 0;
    fire_and_forget(at_once, [&sum] { sum += 1; });
    fire_and_forget(
        at_once, [&sum](auto n) { sum += n; }, 10);
    fire_and_forget(at_once, [&sum, own = 99]() mutable { sum += ++own; });
    fire_and_forget(at_once, [&sum]() noexcept { sum += 1000; });
    auto kept = [&sum, own = 9'999]() mutable { sum += ++own; };
    fire_and_forget(at_once, kept);
    fire_and_forget(at_once, std::as_const(sum) > 0 ? kept : kept);
    const auto constant = [&sum] { sum += 100'000; };
    fire_and_forget(at_once, constant);
    CHECK(sum == 121'111);
}

TEST_CASE("functions and function pointers can be fired") {
    calls_of_function = 0;
    fire_and_forget(at_once, function, 1);
    fire_and_forget(at_once, &function, 10);
    void (*const pointer)(int) = function;
    fire_and_forget(at_once, pointer, 100);
    void (&reference)(int) = function;
    fire_and_forget(at_once, reference, 1000);
    fire_and_forget(at_once, {.name = "function"}, function, 10'000);
    CHECK(calls_of_function == 11'111);
}

TEST_CASE("member functions can be fired on a pointer, a smart pointer, a reference and a copy") {
    struct account {
        int balance = 0;
        std::shared_ptr<int> seen = std::make_shared<int>(0);
        void add(int n) {
            balance += n;
            *seen += n;
        }
        void look() const noexcept { ++*seen; }
        void spend() && { *seen = -1; }
    };
    account own;
    fire_and_forget(at_once, &account::add, &own, 1);
    fire_and_forget(at_once, &account::add, std::ref(own), 10);
    CHECK(own.balance == 11);
    fire_and_forget(at_once, &account::look, &own);
    CHECK(*own.seen == 12);
    fire_and_forget(at_once, &account::add, own, 100); // adds to a copy
    CHECK(own.balance == 11);
    CHECK(*own.seen == 112);
    const auto shared = std::make_shared<account>();
    fire_and_forget(at_once, &account::add, shared, 5);
    CHECK(shared->balance == 5);
    auto unique = std::make_unique<account>();
    const auto seen = unique->seen;
    fire_and_forget(at_once, &account::add, std::move(unique), 7);
    CHECK(*seen == 7);
    fire_and_forget(at_once, &account::spend, own);
    CHECK(*own.seen == -1);
}

TEST_CASE("a member object can be fired, and an error in it is reported") {
    struct connection {
        int number = 0;
        std::error_code state{};
    };
    const error_recorder errors;
    connection own;
    CHECK(fire_and_forget(at_once, &connection::number, &own));
    CHECK(fire_and_forget(at_once, &connection::state, &own));
    CHECK(fire_and_forget(at_once, &connection::state, std::make_shared<connection>()));
    CHECK(fire_and_forget(at_once, &connection::state, own));
    CHECK(errors.empty());
    own.state = std::make_error_code(std::errc::timed_out);
    CHECK(fire_and_forget(at_once, &connection::state, &own));
    CHECK(only(errors).kind == faf::failure::error_result);
}

TEST_CASE("std::function, std::bind and std::ref can be fired") {
    int sum = 0;
    const std::function<void(int)> add = [&](int n) { sum += n; };
    fire_and_forget(at_once, add, 1);
    fire_and_forget(at_once, std::bind(add, 10));
    fire_and_forget(at_once, std::ref(add), 100);
    CHECK(sum == 111);
}

TEST_CASE("move-only callables and arguments can be fired") {
    int sum = 0;
    auto callable = [&sum, n = std::make_unique<int>(1)](std::unique_ptr<int> more) {
        sum = *n + *more;
    };
    manual_executor ex;
    auto argument = std::make_unique<int>(10);
    fire_and_forget(ex, std::move(callable), std::move(argument));
    CHECK(argument == nullptr);
    ex.run_all();
    CHECK(sum == 11);
}

TEST_CASE("an argument in std::ref is shared") {
    int n = 1;
    fire_and_forget(
        at_once, [](int& shared) { shared = 2; }, std::ref(n));
    CHECK(n == 2);
    int seen = 0;
    manual_executor ex;
    fire_and_forget(
        ex, [&seen](const int& shared) { seen = shared; }, std::cref(n));
    n = 3;
    ex.run_all();
    CHECK(seen == 3);
}

TEST_CASE("a string literal arrives as a string, an array as a pointer") {
    manual_executor ex;
    std::string text;
    fire_and_forget(
        ex, [&](const std::string& s) { text = s; }, "literal");
    ex.run_all();
    CHECK(text == "literal");
    static const int numbers[] = {1, 2, 3};
    int sum = 0;
    fire_and_forget(
        at_once, [&](const int* n) { sum = n[0] + n[1] + n[2]; }, numbers);
    CHECK(sum == 6);
}

TEST_CASE("an argument that is a function arrives as a pointer") {
    calls_of_function = 0;
    fire_and_forget(
        at_once, [](void (*f)(int)) { f(3); }, function);
    CHECK(calls_of_function == 3);
}

TEST_CASE("an overloaded call operator is chosen by the arguments") {
    struct overloaded {
        std::string* chosen;
        void operator()(int) const { *chosen = "int"; }
        void operator()(const std::string&) const { *chosen = "string"; }
        void operator()() const { *chosen = "nothing"; }
    };
    std::string chosen;
    fire_and_forget(at_once, overloaded{&chosen}, 1);
    CHECK(chosen == "int");
    fire_and_forget(at_once, overloaded{&chosen}, std::string());
    CHECK(chosen == "string");
    fire_and_forget(at_once, overloaded{&chosen});
    CHECK(chosen == "nothing");
}

TEST_CASE("the callable is called as an rvalue, and so are its arguments passed") {
    struct qualified {
        std::string* chosen;
        void operator()() & { *chosen = "lvalue"; }
        void operator()() && { *chosen = "rvalue"; }
        void operator()() const& { *chosen = "const lvalue"; }
    };
    std::string chosen;
    qualified fn{&chosen};
    fire_and_forget(at_once, fn);
    CHECK(chosen == "rvalue");
    struct rvalue_only {
        bool* called;
        void operator()() && { *called = true; }
    };
    bool called = false;
    fire_and_forget(at_once, rvalue_only{&called});
    CHECK(called);
    struct argument {
        std::string* which;
    };
    struct takes_both {
        void operator()(const argument& a) const { *a.which = "lvalue"; }
        void operator()(argument&& a) const { *a.which = "rvalue"; }
    };
    argument given{&chosen};
    fire_and_forget(at_once, takes_both(), given);
    CHECK(chosen == "rvalue");
}

TEST_CASE("a callable with an address operator of its own can be fired") {
    struct odd {
        int* runs;
        odd* operator&() { return nullptr; }
        void operator()() const { ++*runs; }
    };
    int runs = 0;
    odd fn{&runs};
    fire_and_forget(at_once, fn);
    CHECK(runs == 1);
}

TEST_CASE("the result of a task is dropped, of whatever type it is") {
    const error_recorder errors;
    struct not_movable {
        not_movable() = default;
        not_movable(not_movable&&) = delete;
    };
    CHECK(fire_and_forget(at_once, [] { return 42; }));
    CHECK(fire_and_forget(at_once, [] { return std::make_unique<int>(1); }));
    CHECK(fire_and_forget(at_once, [] { return not_movable(); }));
    CHECK(fire_and_forget(at_once, [] { return false; }));
    CHECK(errors.empty());
}

TEST_CASE("large callables arrive whole") {
    std::array<std::uint64_t, 512> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = i;
    }
    std::uint64_t sum = 0;
    manual_executor ex;
    fire_and_forget(ex, [numbers, &sum] {
        for (const std::uint64_t n : numbers) {
            sum += n;
        }
    });
    numbers.fill(0);
    ex.run_all();
    CHECK(sum == 512 * 511 / 2);
}

namespace {

template <std::size_t Alignment>
struct alignas(Alignment) aligned {
    bool* is_aligned;
    void operator()() const {
        *is_aligned = reinterpret_cast<std::uintptr_t>(this) % Alignment == 0;
    }
};

template <std::size_t Alignment>
bool stays_aligned() {
    bool as_callable = false;
    bool as_argument = false;
    manual_executor ex;
    const aligned<Alignment> over{&as_callable};
    for (int i = 0; i < 4; ++i) { // not by chance
        fire_and_forget(ex, over);
    }
    fire_and_forget(
        ex, [](const aligned<Alignment>& a) { a(); }, aligned<Alignment>{&as_argument});
    while (ex.pending() > 1) {
        as_callable = false;
        ex.run_one();
        if (!as_callable) {
            return false;
        }
    }
    ex.run_one();
    return as_argument;
}

} // namespace

TEST_CASE("an over-aligned callable or argument keeps its alignment") {
    CHECK(stays_aligned<64>());
    CHECK(stays_aligned<256>());
    CHECK(stays_aligned<4096>());
}

// Copies and moves --------------------------------------------------------------------------------

TEST_CASE("lvalues are copied once and rvalues moved once") {
    counts fn;
    counts arg;
    tracked callable(fn);
    tracked argument(arg);
    const auto take = [](const tracked&) {};
    fire_and_forget(at_once, callable);
    CHECK(fn.copies == 1);
    CHECK(fn.moves == 0);
    fire_and_forget(at_once, take, argument);
    CHECK(arg.copies == 1);
    CHECK(arg.moves == 0);
    fire_and_forget(at_once, std::move(callable));
    CHECK(fn.copies == 1);
    CHECK(fn.moves == 1);
    fire_and_forget(at_once, {.name = "moved"}, take, std::move(argument));
    CHECK(arg.copies == 1);
    CHECK(arg.moves == 1);
}

TEST_CASE("a callable that takes its argument by value gets it with one more move") {
    counts arg;
    fire_and_forget(
        at_once, [](tracked) {}, tracked(arg));
    CHECK(arg.copies == 0);
    CHECK(arg.moves == 2);
}

TEST_CASE("on a pool and by default nothing is copied either") {
    counts on_pool;
    counts by_default;
    {
        faf::thread_pool pool({.threads = 1});
        fire_and_forget(pool, tracked(on_pool));
        REQUIRE(pool.drain(60s));
    }
    fire_and_forget(tracked(by_default));
    REQUIRE(faf::drain(60s));
    CHECK(on_pool.copies == 0);
    CHECK(on_pool.moves == 1);
    CHECK(by_default.copies == 0);
    CHECK(by_default.moves == 1);
}

TEST_CASE("what a task captured is destroyed when it has run") {
    manual_executor ex;
    auto argument = std::make_shared<int>();
    const std::weak_ptr<int> watched = argument;
    fire_and_forget(
        ex, [](const std::shared_ptr<int>&) {}, std::move(argument));
    CHECK_FALSE(watched.expired());
    ex.run_all();
    CHECK(watched.expired());
}

// stop_token --------------------------------------------------------------------------------------

#if defined(__cpp_lib_jthread)

TEST_CASE("a callable that takes a stop_token first gets one") {
    bool is_called = false;
    fire_and_forget(at_once, [&](std::stop_token stop) { is_called = !stop.stop_requested(); });
    CHECK(is_called);
    int sum = 0;
    fire_and_forget(
        at_once, [&](const std::stop_token&, int n) { sum += n; }, 3);
    CHECK(sum == 3);
}

TEST_CASE("a callable may take its stop_token as an rvalue") {
    bool is_called = false;
    fire_and_forget(at_once, [&](std::stop_token&& stop) { is_called = !stop.stop_requested(); });
    CHECK(is_called);
    std::stop_source source;
    fire_and_forget(at_once, {.stop = source.get_token()},
                    [&](std::stop_token&& stop) { is_called = !stop.stop_possible(); });
    CHECK_FALSE(is_called);
}

TEST_CASE("a member function that takes a stop_token gets none, as with std::jthread") {
    struct service {
        int runs = 0;
        void run() { ++runs; }
    };
    service own;
    fire_and_forget(at_once, &service::run, &own);
    CHECK(own.runs == 1);
}

TEST_CASE("a callable that could do without prefers the stop_token") {
    struct both {
        std::string* chosen;
        void operator()() const { *chosen = "without"; }
        void operator()(std::stop_token) const { *chosen = "with"; }
    };
    std::string chosen;
    fire_and_forget(at_once, both{&chosen});
    CHECK(chosen == "with");
}

TEST_CASE("a task's stop_token stops when the one of its options does") {
    std::stop_source source;
    manual_executor ex;
    std::stop_token seen;
    bool before = true;
    fire_and_forget(ex, {.stop = source.get_token()}, [&](std::stop_token stop) {
        before = stop.stop_requested();
        source.request_stop();
        seen = stop;
        CHECK(stop.stop_requested());
    });
    ex.run_all();
    CHECK_FALSE(before);
}

TEST_CASE("a pool's own token reaches tasks with and without one of their own") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 2});
    std::stop_source source;
    const auto wait_for_stop = [](std::stop_token stop) {
        while (!stop.stop_requested()) {
            std::this_thread::yield();
        }
    };
    fire_and_forget(pool, wait_for_stop);
    fire_and_forget(pool, {.stop = source.get_token()}, wait_for_stop);
    CHECK(pool.shutdown(60s));
    CHECK(pool.snapshot().succeeded == 2);
    CHECK_FALSE(source.stop_requested());
    CHECK(errors.empty());
}

TEST_CASE("a task that is cancelled before it starts does not run and its own sink hears of it") {
    const error_recorder global;
    std::stop_source source;
    manual_executor ex;
    std::vector<faf::failure> heard;
    const faf::error_sink note([&](const faf::error_report& r) { heard.push_back(r.kind); },
                               faf::hears::cancelled_too);
    int runs = 0;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    fire_and_forget(ex, {.stop = source.get_token(), .on_error = note},
                    [&runs, keeps = std::move(alive)] { ++runs; });
    source.request_stop();
    CHECK(ex.run_all() == 1);
    CHECK(runs == 0);
    CHECK(heard == std::vector<faf::failure>{faf::failure::cancelled});
    CHECK(global.empty());
    CHECK(watched.expired());
}

#endif

// Where it was fired ------------------------------------------------------------------------------

namespace {

void check_place(const recorded_error& error, std::uint_least32_t line, std::string_view function) {
    CHECK(std::string_view(error.where.file_name()) == __FILE__);
    CHECK(error.where.line() == line);
    CHECK(std::string_view(error.where.function_name()).find(function) != std::string_view::npos);
}

void fail_with(int, const std::string&) {
    fail();
}

void fire_plain() {
    fire_and_forget(fail);
}
constexpr std::uint_least32_t line_of_fire_plain = __LINE__ - 2;

void fire_with_options() {
    fire_and_forget({.name = "x"}, fail);
}
constexpr std::uint_least32_t line_of_fire_with_options = __LINE__ - 2;

template <class Executor>
void fire_on(Executor& ex) {
    fire_and_forget(ex, fail_with, 1, "two");
}
constexpr std::uint_least32_t line_of_fire_on = __LINE__ - 2;

template <class Executor>
void fire_with_both(Executor& ex) {
    fire_and_forget(ex, {.name = "x"}, fail_with, 1, "two");
}
constexpr std::uint_least32_t line_of_fire_with_both = __LINE__ - 2;

template <class Fn>
void wrapper(manual_executor& ex, Fn fn, faf::call_site where = faf::call_site::current()) {
    fire_and_forget(ex, {.name = "wrapped", .where = where}, fn);
}

} // namespace

TEST_CASE("a report names the file, line and function of the call") {
    const error_recorder errors;
    manual_executor ex;
    fire_on(ex);
    fire_with_both(ex);
    ex.run_all();
    faf::thread_pool pool({.threads = 1});
    fire_on(pool);
    REQUIRE(pool.drain(60s));
    fire_plain();
    REQUIRE(faf::drain(60s));
    fire_with_options();
    REQUIRE(faf::drain(60s));
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 5);
    check_place(all[0], line_of_fire_on, "fire_on");
    check_place(all[1], line_of_fire_with_both, "fire_with_both");
    check_place(all[2], line_of_fire_on, "fire_on");
    check_place(all[3], line_of_fire_plain, "fire_plain");
    check_place(all[4], line_of_fire_with_options, "fire_with_options");
}

TEST_CASE("a report of a refusal names the call, too") {
    const error_recorder errors;
    const auto line = __LINE__ + 1;
    fire_and_forget(at_once, std::function<void()>());
    check_place(only(errors), line, __func__);
}

TEST_CASE("a report names the caller of a wrapper that passes it on") {
    const error_recorder errors;
    manual_executor ex;
    const auto line = __LINE__ + 1;
    wrapper(ex, fail);
    ex.run_all();
    check_place(only(errors), line, __func__);
    CHECK(only(errors).task == "wrapped");
}

TEST_CASE("a report of a call with options measures how long the task waited and ran") {
    const error_recorder errors;
    manual_executor ex;
    fire_and_forget(ex, [&ex] { ex.advance(3s); }); // takes so long
    fire_and_forget(ex, {.name = "measured"}, [&ex] {
        ex.advance(2s);
        fail();
    });
    fire_and_forget(ex, fail);
    ex.run_all();
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].waited == 3s);
    CHECK(errors.errors()[0].ran == 2s);
    CHECK(errors.errors()[1].waited == 0ns);
    CHECK(errors.errors()[1].ran == 0ns);
}

// Refusals ----------------------------------------------------------------------------------------

TEST_CASE("a callable that is empty is refused") {
    const error_recorder errors;
    struct account {
        int balance = 0;
        void add(int n) { balance += n; }
    };
    account own;
    manual_executor ex;
    void (*no_function)(int) = nullptr;
    void (account::*no_member)(int) = nullptr;
    int account::*no_object = nullptr;
    const std::function<void()> nothing;
    CHECK(fire_and_forget(ex, no_function, 1).why() == refusal::empty_callable);
    CHECK(fire_and_forget(ex, no_member, &own, 1).why() == refusal::empty_callable);
    CHECK(fire_and_forget(ex, no_object, &own).why() == refusal::empty_callable);
    CHECK(fire_and_forget(ex, nothing).why() == refusal::empty_callable);
    CHECK(fire_and_forget(ex, {.name = "n"}, std::function<void()>()).why() ==
          refusal::empty_callable);
    CHECK(fire_and_forget(nothing).why() == refusal::empty_callable);
    CHECK(ex.pending() == 0);
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 6);
    for (const recorded_error& error : all) {
        CHECK(error.kind == faf::failure::refused);
        CHECK(error.what == to_string(refusal::empty_callable));
        CHECK(error.exception == nullptr);
    }
    CHECK(all[4].task == "n");
}

TEST_CASE("an empty callable leaves its arguments alone") {
    const error_recorder errors;
    const std::function<void(std::unique_ptr<int>)> nothing;
    auto argument = std::make_unique<int>(1);
    CHECK_FALSE(fire_and_forget(at_once, nothing, std::move(argument)));
    CHECK(argument != nullptr);
}

TEST_CASE("a copy that throws refuses the task and leaves lvalue arguments as they were") {
    const error_recorder errors;
    manual_executor ex;
    const throws_when_copied bad;
    std::string text = "a text too long for the small buffer of a string";
    const auto take = [](const std::string&, const throws_when_copied&) {};
    CHECK(fire_and_forget(ex, bad).why() == refusal::copy_threw);
    CHECK(fire_and_forget(ex, {.name = "args"}, take, text, bad).why() == refusal::copy_threw);
    CHECK(text == "a text too long for the small buffer of a string");
    CHECK(ex.pending() == 0);
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 2);
    for (const recorded_error& error : all) {
        CHECK(error.kind == faf::failure::refused);
        CHECK(error.type == "std::runtime_error");
        CHECK(error.what == "copy");
        CHECK(error.exception != nullptr);
    }
    CHECK(all[1].task == "args");
}

TEST_CASE("a copy that finds no memory refuses the task for that") {
    const error_recorder errors;
    manual_executor ex;
    const has_no_room bad;
    CHECK(fire_and_forget(ex, bad).why() == refusal::out_of_memory);
    CHECK(only(errors).type == "std::bad_alloc");
    CHECK(ex.pending() == 0);
}

TEST_CASE("a sink that can't be copied into the task refuses it, and hears of it") {
    struct uncopyable_sink {
        const bool* is_armed;
        int* heard;
        uncopyable_sink(const bool* armed, int* count) : is_armed(armed), heard(count) {}
        uncopyable_sink(const uncopyable_sink& other)
            : is_armed(other.is_armed), heard(other.heard) {
            if (*is_armed) {
                throw std::logic_error("sink");
            }
        }
        void operator()(const faf::error_report& r) const {
            *heard += r.kind == faf::failure::refused ? 1 : 100;
        }
    };
    const error_recorder global;
    bool is_armed = false;
    int heard = 0;
    const faf::options how{.on_error = uncopyable_sink(&is_armed, &heard)};
    is_armed = true;
    manual_executor ex;
    int runs = 0;
    CHECK(fire_and_forget(ex, how, [&] { ++runs; }).why() == refusal::copy_threw);
    CHECK(ex.pending() == 0);
    CHECK(heard == 1);
    CHECK(global.empty());
    CHECK(runs == 0);
}

TEST_CASE("a copy constructor that fires tasks itself does no harm") {
    struct fires_when_copied {
        manual_executor* ex;
        int* runs;
        fires_when_copied(manual_executor& on, int& counter) : ex(&on), runs(&counter) {}
        fires_when_copied(const fires_when_copied& other) : ex(other.ex), runs(other.runs) {
            fire_and_forget(*ex, [n = runs] { *n += 1; });
        }
        void operator()() const { *runs += 10; }
    };
    manual_executor ex;
    int runs = 0;
    const fires_when_copied fn(ex, runs);
    CHECK(fire_and_forget(ex, fn));
    CHECK(ex.run_all() == 2);
    CHECK(runs == 11);
}

TEST_CASE("a refusal by a closed pool is reported and counted") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    CHECK(pool.shutdown(60s));
    auto argument = std::make_unique<int>(1);
    CHECK(fire_and_forget(pool, [] {}).why() == refusal::shutting_down);
    CHECK(fire_and_forget(pool, std::function<void()>()).why() == refusal::empty_callable);
    CHECK(pool.snapshot().refused == 2);
    CHECK(pool.snapshot().accepted == 0);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].what == to_string(refusal::shutting_down));
}

// What the options ask for ------------------------------------------------------------------------

namespace {

/// Can be called once only.
struct one_way {
    void operator()() && {}
};

void check_invalid(const recorded_error& error, std::string_view sentence) {
    CHECK(error.kind == faf::failure::refused);
    CHECK(error.what == sentence);
    CHECK(error.exception == nullptr);
}

constexpr std::string_view uses_itself_up =
    "`every` needs a callable that can be called more than once, and this one uses itself or its "
    "arguments up";
constexpr std::string_view has_no_timers = "this executor has no timers";

} // namespace

TEST_CASE("a callable that can be called once only is refused where it is to repeat") {
    const error_recorder errors;
    manual_executor ex;
    CHECK(fire_and_forget(ex, {.name = "one-way", .every = 1s}, one_way()).why() ==
          refusal::invalid_options);
    CHECK(ex.pending() == 0);
    check_invalid(only(errors), uses_itself_up);
    CHECK(only(errors).task == "one-way");
    CHECK(fire_and_forget(ex, {.after = 1s}, one_way()));
    CHECK(ex.advance(1s) == 1);
}

TEST_CASE("a callable that takes a move-only argument by value is refused where it is to repeat") {
    const error_recorder errors;
    manual_executor ex;
    auto argument = std::make_unique<int>(1);
    const auto take = [](std::unique_ptr<int>) {};
    const auto look_at = [](const std::unique_ptr<int>&) {};
    CHECK(fire_and_forget(ex, {.every = 1s}, take, std::move(argument)).why() ==
          refusal::invalid_options);
    CHECK(argument != nullptr);
    check_invalid(only(errors), uses_itself_up);
    CHECK(fire_and_forget(ex, {.every = 1s}, look_at, std::move(argument)));
    CHECK(ex.advance(2s) == 3);
    CHECK(fire_and_forget(ex, {.after = 1s}, take, std::make_unique<int>(2)));
    CHECK(errors.count() == 1);
    ex.advance(1s);
}

TEST_CASE("a negative period is refused") {
    const error_recorder errors;
    manual_executor ex;
    CHECK(fire_and_forget(ex, {.every = -1ns}, [] {}).why() == refusal::invalid_options);
    CHECK(ex.pending() == 0);
    check_invalid(only(errors), "`every` is negative");
}

TEST_CASE("options that can't be met are refused and counted by a pool and by own_thread") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    const std::uint64_t before = faf::snapshot().refused;
    CHECK(fire_and_forget(pool, {.every = -1s}, [] {}).why() == refusal::invalid_options);
    CHECK(fire_and_forget(pool, {.every = 1s}, one_way()).why() == refusal::invalid_options);
    CHECK(fire_and_forget(faf::own_thread, {.every = -1s}, [] {}).why() ==
          refusal::invalid_options);
    CHECK(fire_and_forget({.every = -1s}, [] {}).why() == refusal::invalid_options);
    CHECK(pool.snapshot().refused == 2);
    CHECK(pool.snapshot().accepted == 0);
    CHECK(faf::snapshot().refused == before + 2);
    CHECK(errors.count() == 4);
}

TEST_CASE("a priority that there is not is refused with a sentence, by every executor") {
    const error_recorder errors;
    manual_executor ex;
    faf::thread_pool pool({.threads = 1});
    int jobs = 0;
    const auto foreign = [&](faf::job work) {
        ++jobs;
        work();
    };
    const std::uint64_t before = faf::snapshot().refused;
    int runs = 0;
    const auto count = [&] { ++runs; };
    for (const int number : {3, 9, 255}) {
        const faf::options how{.priority = static_cast<faf::priority>(number), .after = 1ms};
        const faf::options undelayed{.priority = static_cast<faf::priority>(number)};
        CHECK(fire_and_forget(ex, how, count).why() == refusal::invalid_options);
        CHECK(fire_and_forget(pool, how, count).why() == refusal::invalid_options);
        CHECK(fire_and_forget(pool, undelayed, count).why() == refusal::invalid_options);
        CHECK(fire_and_forget(faf::own_thread, how, count).why() == refusal::invalid_options);
        CHECK(fire_and_forget(foreign, undelayed, count).why() == refusal::invalid_options);
        CHECK(fire_and_forget(undelayed, count).why() == refusal::invalid_options);
    }
    CHECK(pool.snapshot().refused == 6);
    CHECK(faf::snapshot().refused == before + 6);
    CHECK(ex.pending() == 0);
    CHECK(jobs == 0);
    CHECK(runs == 0);
    REQUIRE(errors.count() == 18);
    for (const recorded_error& error : errors.errors()) {
        check_invalid(error, "`priority` is none of faf::priority::high, normal and low");
    }
}

TEST_CASE("a full pool whose overflow is none that there is refuses with a sentence") {
    const error_recorder errors;
    faf::thread_pool pool(
        {.threads = 1, .max_pending = 1, .when_full = static_cast<faf::overflow>(7)});
    std::atomic<bool> has_begun{false};
    std::atomic<bool> may_end{false};
    fire_and_forget(pool, [&] {
        has_begun = true;
        may_end.wait(false);
    });
    while (!has_begun) { // then it has left its place to the next
        std::this_thread::yield();
    }
    CHECK(fire_and_forget(pool, [] {}));
    CHECK(fire_and_forget(pool, [] {}).why() == refusal::invalid_options);
    CHECK(fire_and_forget(pool, [] {}).why() == refusal::invalid_options);
    may_end = true;
    may_end.notify_one();
    CHECK(pool.drain(60s));
    CHECK(pool.snapshot().accepted == 2);
    REQUIRE(errors.count() == 2);
    check_invalid(errors.errors()[0], to_string(refusal::invalid_options));
}

TEST_CASE("an executor of somebody else's has no time, and refuses what needs it") {
    const error_recorder errors;
    int jobs = 0;
    const auto run_job = [&](faf::job work) {
        ++jobs;
        work();
    };
    int runs = 0;
    const auto count = [&] { ++runs; };
    CHECK(fire_and_forget(at_once, {.after = 1s}, count).why() == refusal::invalid_options);
    CHECK(fire_and_forget(at_once, {.every = 1s}, count).why() == refusal::invalid_options);
    CHECK(fire_and_forget(run_job, {.after = 1ns}, count).why() == refusal::invalid_options);
    CHECK(fire_and_forget(run_job, {.every = 1ns}, count).why() == refusal::invalid_options);
    CHECK(jobs == 0);
    CHECK(runs == 0);
    REQUIRE(errors.count() == 4);
    for (const recorded_error& error : errors.errors()) {
        check_invalid(error, has_no_timers);
    }
    CHECK(fire_and_forget(run_job, {.after = -1s, .expires = 1h}, count));
    CHECK(fire_and_forget(at_once, {.after = 0s, .expires = 1h}, count));
    CHECK(runs == 2);
}

TEST_CASE("the time that a task waited for another executor counts for its expiry") {
    const error_recorder errors;
    std::vector<faf::job> kept;
    const auto keep = [&](faf::job work) { kept.push_back(std::move(work)); };
    int runs = 0;
    CHECK(fire_and_forget(keep, {.expires = 1h}, [&] { ++runs; }));
    CHECK(fire_and_forget(keep, {.expires = -1h}, [&] { runs += 10; }));
    for (faf::job& work : kept) {
        work();
    }
    CHECK(runs == 1);
    CHECK(only(errors).kind == faf::failure::expired);
}

TEST_CASE("a pool runs a delayed task, and drain waits for it") {
    const error_recorder errors;
    faf::thread_pool pool({.threads = 1});
    const auto begin = std::chrono::steady_clock::now();
    std::chrono::nanoseconds waited{};
    CHECK(fire_and_forget(pool, {.after = 5ms},
                          [&] { waited = std::chrono::steady_clock::now() - begin; }));
    CHECK(pool.drain(60s));
    CHECK(waited >= 5ms);
    CHECK(pool.snapshot().succeeded == 1);
    CHECK(pool.snapshot().accepted == 1);
    CHECK(errors.empty());
}

// own_thread --------------------------------------------------------------------------------------

TEST_CASE("a task with a thread of its own is waited for by drain") {
    const error_recorder errors;
    std::thread::id ran_on;
    const faf::stats before = faf::snapshot();
    CHECK(fire_and_forget(faf::own_thread, [&] { ran_on = std::this_thread::get_id(); }));
    CHECK(fire_and_forget(
        faf::own_thread, {.name = "own"}, [](int) { fail(); }, 1));
    REQUIRE(faf::drain(60s));
    CHECK(ran_on != std::thread::id());
    CHECK(ran_on != std::this_thread::get_id());
    CHECK(only(errors).task == "own");
    const faf::stats after = faf::snapshot();
    CHECK(after.accepted == before.accepted + 2);
    CHECK(after.succeeded == before.succeeded + 1);
    CHECK(after.failed == before.failed + 1);
}

TEST_CASE("drain from inside a task answers false at once") {
    bool on_pool = true;
    bool on_thread = true;
    fire_and_forget([&] { on_pool = faf::drain(1h); });
    REQUIRE(faf::drain(60s));
    CHECK_FALSE(on_pool);
    fire_and_forget(faf::own_thread, [&] { on_thread = faf::drain(1h); });
    REQUIRE(faf::drain(60s));
    CHECK_FALSE(on_thread);
}

TEST_CASE("a task that finds no room for a thread of its own is refused, a delayed one gets one") {
    const error_recorder errors;
    faf::limit_own_threads(0);
    const faf::stats before = faf::snapshot();
    bool has_run = false;
    std::thread::id delayed_on;
    CHECK(fire_and_forget(faf::own_thread, {.name = "at once"}, [&] { has_run = true; }).why() ==
          faf::refusal::no_thread);
    CHECK(only(errors).task == "at once");
    CHECK(only(errors).kind == faf::failure::refused);
    CHECK(fire_and_forget(faf::own_thread, {.after = 1ms},
                          [&] { delayed_on = std::this_thread::get_id(); }));
    CHECK(faf::drain(60s));
    faf::limit_own_threads(faf::detail::own_threads::usual_limit);
    CHECK_FALSE(has_run);
    CHECK(delayed_on != std::thread::id());
    CHECK(faf::snapshot().refused == before.refused + 1);
}
