// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/task/run_task.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "captured_stderr.hpp"
#include "catch.hpp"
#include "make_task.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace errors_of_feed {

struct custom_error {};

class feed {
public:
    struct broken {};
};

} // namespace errors_of_feed

namespace {

using namespace faf::detail;
using faf::failure;
using faf::fire_and_forget;
using faf::testing::error_recorder;
using faf::testing::recorded_error;
using faf_test::make_task;
using faf_test::make_task_with_details;

constexpr faf::inline_executor at_once{};

recorded_error only(const error_recorder& errors) {
    REQUIRE(errors.count() == 1);
    return errors.errors().front();
}

template <class Fn>
fate run(Fn&& fn) {
    return run_task(make_task(std::forward<Fn>(fn)), foreign_host());
}

/// Either a value or an error, as std::expected is from C++23 on.
template <class T, class E>
class expected {
public:
    static expected of(T value) { return expected(std::in_place_index<0>, std::move(value)); }
    static expected failed(E error) { return expected(std::in_place_index<1>, std::move(error)); }
    bool has_value() const { return content_.index() == 0; }
    const E& error() const { return std::get<1>(content_); }

private:
    template <std::size_t I, class Content>
    expected(std::in_place_index_t<I> which, Content content)
        : content_(which, std::move(content)) {}
    std::variant<T, E> content_;
};

/// A closure that throws when it is destroyed for good, not when it was moved from.
class throws_at_the_end {
public:
    explicit throws_at_the_end(bool fails = false) : fails_(fails) {}
    throws_at_the_end(throws_at_the_end&& other) noexcept
        : fails_(other.fails_), is_armed_(std::exchange(other.is_armed_, false)) {}
    ~throws_at_the_end() noexcept(false) {
        if (is_armed_) {
            throw std::logic_error("destructor");
        }
    }
    void operator()() const {
        if (fails_) {
            throw std::runtime_error("call");
        }
    }

private:
    bool fails_;
    bool is_armed_ = true;
};

} // namespace

// Fates -------------------------------------------------------------------------------------------

TEST_CASE("a task that returns has succeeded and is not reported") {
    const error_recorder errors;
    int runs = 0;
    CHECK(run([&] { ++runs; }) == fate::succeeded);
    CHECK(runs == 1);
    CHECK(errors.empty());
}

TEST_CASE("a task that throws has failed and is reported once with the exception") {
    const error_recorder errors;
    CHECK(run([] { throw std::runtime_error("no route"); }) == fate::failed);
    const recorded_error error = only(errors);
    CHECK(error.kind == failure::exception);
    CHECK(error.type == "std::runtime_error");
    CHECK(error.what == "no route");
    CHECK(error.suppressed == 0);
    REQUIRE(error.exception);
    CHECK_THROWS_WITH(std::rethrow_exception(error.exception), "no route");
}

TEST_CASE("a task's closure is destroyed before run_task returns, also if it throws") {
    const error_recorder errors;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    run([keeps = std::move(alive)] { throw 1; });
    CHECK(watched.expired());
}

TEST_CASE("the host's sink is asked after the task's and before the global one") {
    const error_recorder global;
    std::vector<std::string> heard;
    const faf::error_sink of_host = [&](const faf::error_report&) { heard.push_back("host"); };
    const faf::error_sink of_task = [&](const faf::error_report&) {
        heard.push_back("task");
        if (heard.size() > 1) {
            throw 1;
        }
    };
    const host on{&of_host, {}};
    const auto fail = [] { throw 1; };
    run_task(make_task_with_details(fail, {.on_error = of_task}), on);
    CHECK(heard == std::vector<std::string>{"task"});
    run_task(make_task_with_details(fail, {.on_error = of_task}), on);
    CHECK(heard == std::vector<std::string>{"task", "task", "host", "host"});
    CHECK(global.empty());
    run_task(make_task_with_details(fail, {.name = "no sink of its own"}), on);
    CHECK(heard.size() == 5);
    run_task(make_task(fail), foreign_host());
    CHECK(heard.size() == 5);
    CHECK(global.count() == 1);
}

TEST_CASE("a dropped task is reported with the reason and destroyed") {
    const error_recorder errors;
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> watched = alive;
    int runs = 0;
    drop_task(make_task([&runs, keeps = std::move(alive)] { ++runs; }, {.name = "late"}),
              foreign_host(), failure::abandoned, "too late");
    CHECK(runs == 0);
    CHECK(watched.expired());
    CHECK(only(errors).kind == failure::abandoned);
    CHECK(only(errors).what == "too late");
    CHECK(only(errors).task == "late");
}

TEST_CASE("a task knows that it is inside of its host and what it is nested in") {
    const host inner;
    CHECK_FALSE(inside_a_task());
    run([&] {
        CHECK(inside_a_task());
        CHECK(inside_a_task_of(&foreign_host()));
        CHECK_FALSE(inside_a_task_of(&inner));
        run_task(make_task([&] {
                     CHECK(inside_a_task_of(&inner));
                     CHECK(inside_a_task_of(&foreign_host()));
                 }),
                 inner);
        CHECK_FALSE(inside_a_task_of(&inner));
    });
    CHECK_FALSE(inside_a_task());
}

TEST_CASE("a task that throws leaves its host behind") {
    const error_recorder errors;
    run([] { throw 1; });
    CHECK_FALSE(inside_a_task());
    drop_task(make_task([] {}), foreign_host(), failure::abandoned, "");
    CHECK_FALSE(inside_a_task());
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a cancelled task is dropped and reported to user sinks but not to standard error") {
    std::stop_source source;
    source.request_stop();
    const faf::options how{.name = "not wanted", .stop = source.get_token()};
    int runs = 0;
    {
        const error_recorder errors(faf::hears::cancelled_too);
        CHECK(run_task(make_task_with_details([&] { ++runs; }, how), foreign_host()) ==
              fate::cancelled);
        CHECK(only(errors).kind == failure::cancelled);
        CHECK(only(errors).task == "not wanted");
        CHECK(only(errors).ran == std::chrono::nanoseconds(0));
        CHECK(only(errors).exception == nullptr);
    }
    const faf::error_sink before = faf::set_error_sink({});
    {
        const faf_test::captured_stderr out;
        CHECK(run_task(make_task_with_details([&] { ++runs; }, how), foreign_host()) ==
              fate::cancelled);
        CHECK(out.text().empty());
    }
    faf::set_error_sink(before);
    CHECK(runs == 0);
}

TEST_CASE("a task's token stops with its host's, with its own, and with either of both") {
    std::stop_source of_host;
    std::stop_source own;
    const host on{nullptr, of_host.get_token()};
    const auto stopped_by = [&](std::stop_source& source, const faf::options* how) {
        bool before = true;
        bool after = false;
        const auto look = [&](std::stop_token stop) {
            before = stop.stop_requested();
            source.request_stop();
            after = stop.stop_requested();
        };
        run_task(how != nullptr ? make_task_with_details(look, *how) : make_task(look), on);
        return !before && after;
    };
    const faf::options with_token{.stop = own.get_token()};
    CHECK(stopped_by(own, &with_token));
    own = std::stop_source();
    const faf::options with_another{.stop = own.get_token()};
    const faf::options without{.name = "none"};
    std::stop_source of_nobody;
    CHECK_FALSE(stopped_by(of_nobody, &with_another));
    CHECK(stopped_by(of_host, &with_another));
    of_host = std::stop_source();
    const host renewed{nullptr, of_host.get_token()};
    bool after = false;
    run_task(make_task_with_details(
                 [&](std::stop_token stop) {
                     of_host.request_stop();
                     after = stop.stop_requested();
                 },
                 without),
             renewed);
    CHECK(after);
}

TEST_CASE("a task whose host has stopped already sees that when it starts") {
    std::stop_source of_host;
    std::stop_source own;
    of_host.request_stop();
    const host on{nullptr, of_host.get_token()};
    bool seen = false;
    run_task(make_task_with_details([&](std::stop_token stop) { seen = stop.stop_requested(); },
                                    {.stop = own.get_token()}),
             on);
    CHECK(seen);
    seen = false;
    run_task(make_task([&](std::stop_token stop) { seen = stop.stop_requested(); }), on);
    CHECK(seen);
}

#endif

// Results that are errors -------------------------------------------------------------------------

TEST_CASE("an error code that is set is reported as an error result") {
    const error_recorder errors;
    CHECK(run([] { return std::error_code(); }) == fate::succeeded);
    CHECK(errors.empty());
    CHECK(run([] { return std::make_error_code(std::errc::timed_out); }) == fate::failed);
    const recorded_error error = only(errors);
    CHECK(error.kind == failure::error_result);
    CHECK(error.type == "std::error_code");
    CHECK(error.what.find("generic:") == 0);
    CHECK(error.what.find(std::make_error_code(std::errc::timed_out).message()) !=
          std::string::npos);
    CHECK(error.exception == nullptr);
}

TEST_CASE("an expected without a value is reported with its error") {
    const error_recorder errors;
    CHECK(run([] { return expected<int, std::string>::of(1); }) == fate::succeeded);
    CHECK(errors.empty());
    CHECK(run([] { return expected<int, std::string>::failed("lost"); }) == fate::failed);
    CHECK(run([] { return expected<int, int>::failed(-3); }) == fate::failed);
    CHECK(run([] {
              return expected<int, std::error_code>::failed(
                  std::error_code(5, std::generic_category()));
          }) == fate::failed);
    CHECK(run([] { return expected<int, errors_of_feed::custom_error>::failed({}); }) ==
          fate::failed);
    CHECK(run([] {
              return expected<int, std::runtime_error>::failed(std::runtime_error("held"));
          }) == fate::failed);
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 5);
    for (const recorded_error& error : all) {
        CHECK(error.kind == failure::error_result);
        CHECK(error.exception == nullptr);
    }
    CHECK(all[0].what == "lost");
    CHECK(all[1].type == "int");
    CHECK(all[1].what == "-3");
    CHECK(all[2].type == "std::error_code");
    CHECK(all[2].what.find("generic:5 ") == 0);
    CHECK(all[3].type == "errors_of_feed::custom_error");
    CHECK(all[3].what.empty());
    CHECK(all[4].type == "std::runtime_error");
    CHECK(all[4].what == "held");
}

TEST_CASE("an expected whose error is an exception is reported with that exception's words") {
    faf::testing::error_recorder errors;
    using result = expected<int, std::exception_ptr>;
    CHECK(run([] { return result::failed(std::make_exception_ptr(std::out_of_range("row 7"))); }) ==
          fate::failed);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].kind == faf::failure::error_result);
    CHECK(errors.errors()[0].type == "std::out_of_range");
    CHECK(errors.errors()[0].what == "row 7");
    CHECK(run([] { return result::failed(nullptr); }) == fate::failed);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[1].kind == faf::failure::error_result);
    CHECK(errors.errors()[1].exception == nullptr);
    CHECK(errors.errors()[1].what == "no value and no exception");
}

TEST_CASE("an expected that has neither value nor error is reported") {
    struct nothing {
        static bool has_value() { return false; }
        static void error() {}
    };
    faf::testing::error_recorder errors;
    CHECK(run([] { return nothing(); }) == fate::failed);
    REQUIRE(errors.count() == 1);
    CHECK(errors.errors()[0].what == "no value and no error");
}

TEST_CASE("an expected returned by reference is looked at, not copied") {
    using result = expected<std::unique_ptr<int>, std::string>;
    const error_recorder errors;
    const result bad = result::failed("shared");
    const result good = result::of(nullptr);
    CHECK(run([&]() -> const result& { return good; }) == fate::succeeded);
    CHECK(run([&]() -> const result& { return bad; }) == fate::failed);
    CHECK(only(errors).what == "shared");
}

TEST_CASE("an exception_ptr that is not null is reported like what it holds") {
    const error_recorder errors;
    CHECK(run([] { return std::exception_ptr(); }) == fate::succeeded);
    CHECK(errors.empty());
    CHECK(run([] { return std::make_exception_ptr(std::runtime_error("held")); }) == fate::failed);
    const recorded_error error = only(errors);
    CHECK(error.kind == failure::error_result);
    CHECK(error.type == "std::runtime_error");
    CHECK(error.what == "held");
    REQUIRE(error.exception);
    CHECK_THROWS_WITH(std::rethrow_exception(error.exception), "held");
}

TEST_CASE("an error message longer than a KiB is cut") {
    const error_recorder errors;
    run([] { return expected<int, std::string>::failed(std::string(5000, 'x')); });
    CHECK(only(errors).what.size() == 1024);
}

TEST_CASE("a result whose look throws is reported as that exception") {
    struct odd {
        bool has_value() const { throw std::logic_error("odd"); }
        int error() const { return 0; }
    };
    const error_recorder errors;
    CHECK(run([] { return odd(); }) == fate::failed);
    CHECK(only(errors).kind == failure::exception);
    CHECK(only(errors).what == "odd");
}

TEST_CASE("a plain false, an empty pointer or an empty optional is no error") {
    const error_recorder errors;
    CHECK(run([] { return false; }) == fate::succeeded);
    CHECK(run([] { return std::shared_ptr<int>(); }) == fate::succeeded);
    CHECK(run([] { return std::optional<int>(); }) == fate::succeeded);
    CHECK(run([] { return -1; }) == fate::succeeded);
    CHECK(errors.empty());
}

// Anything thrown ---------------------------------------------------------------------------------

TEST_CASE("anything may be thrown") {
    const error_recorder errors;
    CHECK(run([] { throw 42; }) == fate::failed);
    CHECK(run([] { throw "literal"; }) == fate::failed);
    CHECK(run([] { throw std::string("string"); }) == fate::failed);
    CHECK(run([] { throw errors_of_feed::feed::broken(); }) == fate::failed);
    CHECK(run([] { throw std::make_unique<int>(1); }) == fate::failed);
    CHECK(run([] { throw nullptr; }) == fate::failed);
    const std::vector<recorded_error> all = errors.errors();
    REQUIRE(all.size() == 6);
    CHECK(all[0].what == "42");
    CHECK(all[0].type == "int");
    CHECK(all[1].what == "literal");
    CHECK(all[2].what == "string");
    CHECK(all[3].type == "errors_of_feed::feed::broken");
    CHECK(all[4].type.find("unique_ptr") != std::string::npos);
    CHECK(all[5].exception != nullptr);
}

TEST_CASE("an exception that throws when it is copied is reported") {
    struct uncopyable {
        uncopyable() = default;
        uncopyable(const uncopyable&) { throw std::logic_error("copied"); }
    };
    const error_recorder errors;
    CHECK(run([] { throw uncopyable(); }) == fate::failed);
    CHECK(only(errors).type.find("uncopyable") != std::string::npos);
}

TEST_CASE("a closure that throws when it is destroyed after success has failed") {
    const error_recorder errors;
    CHECK(run(throws_at_the_end()) == fate::failed);
    CHECK(only(errors).kind == failure::exception);
    CHECK(only(errors).what == "destructor");
}

TEST_CASE("a closure that throws when it is destroyed after a failure is reported as well") {
    const error_recorder errors;
    CHECK(run(throws_at_the_end(true)) == fate::failed);
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].what == "call");
    CHECK(errors.errors()[1].what == "destructor");
}

TEST_CASE("a closure that throws when it is dropped is reported with the name of its task") {
    const error_recorder errors;
    drop_task(make_task(throws_at_the_end(), {.name = "late"}), foreign_host(), failure::abandoned,
              "too late");
    REQUIRE(errors.count() == 2);
    CHECK(errors.errors()[0].kind == failure::abandoned);
    CHECK(errors.errors()[1].kind == failure::exception);
    CHECK(errors.errors()[1].what == "destructor");
    CHECK(errors.errors()[1].task == "late");
}

#if defined(__GLIBCXX__) // libc++abi ends the process there

extern "C" {
__attribute__((weak)) void __lsan_disable();
__attribute__((weak)) void __lsan_enable();
}

namespace {

/// The runtime never frees an exception whose destructor throws: no leak of ours.
struct leaks_expected {
    leaks_expected() {
        if (__lsan_disable != nullptr) {
            __lsan_disable();
        }
    }
    ~leaks_expected() {
        if (__lsan_enable != nullptr) {
            __lsan_enable();
        }
    }
};

} // namespace

TEST_CASE("an exception that throws when it is destroyed does no harm") {
    const leaks_expected in_the_runtime;
    struct explosive {
        ~explosive() noexcept(false) { throw 7; }
    };
    std::vector<std::string> heard;
    // Does not keep the exception: std::exception_ptr could not let go of it.
    const faf::error_sink note = [&](const faf::error_report& r) { heard.emplace_back(r.type); };
    const host on{&note, {}};
    CHECK(run_task(make_task([] { throw explosive(); }), on) == fate::failed);
    REQUIRE(heard.size() == 2);
    CHECK(heard[0].find("explosive") != std::string::npos);
    CHECK(heard[1] == "int");
}

TEST_CASE("exceptions that throw one another when they are destroyed come to an end") {
    const leaks_expected in_the_runtime;
    struct endless {
        ~endless() noexcept(false) { throw endless(); }
    };
    int heard = 0;
    const faf::error_sink note = [&](const faf::error_report&) { ++heard; };
    const host on{&note, {}};
    CHECK(run_task(make_task([] { throw endless(); }), on) == fate::failed);
    CHECK(heard >= 1);
    CHECK(heard <= 3);
}

#endif

TEST_CASE("a task that fails has its fate once, whatever else goes wrong") {
    const error_recorder errors;
    std::vector<fate> fates;
    for (int i = 0; i < 3; ++i) {
        fates.push_back(run(throws_at_the_end(i % 2 == 0)));
    }
    fates.push_back(run([] {}));
    CHECK(fates == std::vector<fate>{fate::failed, fate::failed, fate::failed, fate::succeeded});
}

TEST_CASE("a task may fire and run others in place") {
    const error_recorder errors;
    int depth = 0;
    const std::function<void()> deeper = [&] {
        if (++depth < 100) {
            fire_and_forget(at_once, deeper);
        }
        if (depth == 100) {
            ++depth;
            throw std::runtime_error("bottom");
        }
    };
    CHECK(run(deeper) == fate::succeeded);
    CHECK(only(errors).what == "bottom");
}

TEST_CASE("a nested chain is reported with all of its members") {
    const error_recorder errors;
    run([] {
        try {
            throw std::system_error(std::make_error_code(std::errc::connection_refused), "connect");
        } catch (...) {
            std::throw_with_nested(std::runtime_error("refresh"));
        }
    });
    CHECK(only(errors).type == "std::runtime_error");
    const std::string what = only(errors).what;
    CHECK(what.find("refresh; caused by std::") == 0);
    CHECK(what.find("system_error: connect") != std::string::npos);
}
