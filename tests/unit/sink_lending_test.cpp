// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/executor/sink_lending.hpp>

#include "bare_executor.hpp"
#include "catch.hpp"
#include "eventually.hpp"

#include <atomic>
#include <chrono>
#include <thread>

using namespace faf::detail;

TEST_CASE("a sink that was given up is lent to nobody") {
    faf_test::bare_executor executor;
    sink_lending& sinks = executor.parts.sink;
    const faf::error_sink sink = [](const faf::error_report&) {};
    sinks.set(&sink);
    {
        const sink_lending::loan borrowed(sinks);
        CHECK(borrowed.sink() == &sink);
    }
    sinks.give_up(deadline_after(faf_test::patience));
    const sink_lending::loan borrowed(sinks);
    CHECK(borrowed.sink() == nullptr);
}

TEST_CASE("a sink is given up when who has borrowed it has brought it back") {
    faf_test::bare_executor executor;
    sink_lending& sinks = executor.parts.sink;
    const faf::error_sink sink = [](const faf::error_report&) {};
    sinks.set(&sink);
    std::atomic<bool> is_borrowed{false};
    std::atomic<bool> is_back{false};
    std::thread borrower([&] {
        const sink_lending::loan borrowed(sinks);
        is_borrowed = true;
        std::this_thread::yield();
        is_back = true;
    });
    CHECK(faf_test::eventually([&] { return is_borrowed.load(); }));
    const steady_time deadline = deadline_after(faf_test::patience);
    sinks.give_up(deadline);
    CHECK(is_back);
    CHECK(steady_clock::now() < deadline);
    borrower.join();
}

TEST_CASE("who has borrowed a sink may give it up and does not wait for itself") {
    faf_test::bare_executor executor;
    sink_lending& sinks = executor.parts.sink;
    const faf::error_sink sink = [](const faf::error_report&) {};
    sinks.set(&sink);
    const sink_lending::loan borrowed(sinks);
    sinks.give_up(never);
    CHECK(borrowed.sink() == nullptr);
}

TEST_CASE("a sink that does not come back is waited for until the deadline") {
    faf_test::bare_executor executor;
    sink_lending& sinks = executor.parts.sink;
    const faf::error_sink sink = [](const faf::error_report&) {};
    sinks.set(&sink);
    const sink_lending::loan borrowed(sinks);
    const steady_time deadline = deadline_after(std::chrono::milliseconds(20));
    steady_time given_up;
    std::thread owner([&] {
        sinks.give_up(deadline);
        given_up = steady_clock::now();
    });
    owner.join();
    CHECK(given_up >= deadline);
    CHECK(sinks.sink() == nullptr);
}
