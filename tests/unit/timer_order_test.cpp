// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/task/timer_order.hpp>

#include "catch.hpp"
#include "timer_items.hpp"

#include <chrono>
#include <type_traits>
#include <vector>

namespace {

using namespace faf_test;
using faf::detail::timer_order;

static_assert(!std::is_copy_constructible_v<timer_order>);
static_assert(std::is_nothrow_default_constructible_v<timer_order>);

} // namespace

TEST_CASE("nothing is due in an order without items, ever") {
    timer_order order;
    CHECK(order.size() == 0);
    CHECK(order.next_due() == never);
    CHECK(order.pop_due(never) == nullptr);
    CHECK(order.take_latest_if([](timer_node&) { return true; }) == nullptr);
    CHECK(order.remove_if([](timer_node&) { return true; }) == nullptr);
}

TEST_CASE("an item comes out when its time has come, and not a moment before") {
    timer_items made;
    timer_order order;
    for (const bool is_watched : {false, true}) {
        timer_node& only = made.due_at(start);
        only.is_watched = is_watched;
        REQUIRE(order.try_push(only));
        CHECK(order.next_due() == start);
        CHECK(order.pop_due(start - 1ns) == nullptr);
        CHECK(order.size() == 1);
        CHECK(order.pop_due(start) == &only);
        CHECK(order.size() == 0);
        CHECK(order.pop_due(never) == nullptr);
    }
}

TEST_CASE("items with the same deadline come out in the order in which they went in") {
    timer_items made;
    timer_order order;
    std::vector<const timer_node*> expected;
    for (int i = 0; i < 1000; ++i) { // by turns to where those are that are watched
        timer_node& fresh = made.due_at(start);
        fresh.is_watched = i % 3 == 0;
        REQUIRE(order.try_push(fresh));
        expected.push_back(&fresh);
    }
    for (const timer_node* const item : expected) {
        REQUIRE(order.pop_due(start) == item);
    }
}

TEST_CASE("an item that is taken out may be pushed again, and is then the last of its deadline") {
    timer_items made;
    timer_order order;
    timer_node& first = made.due_at(start);
    timer_node& second = made.due_at(start);
    REQUIRE(order.try_push(first));
    REQUIRE(order.try_push(second));
    REQUIRE(order.pop_due(start) == &first);
    REQUIRE(order.try_push(first));
    CHECK(order.pop_due(start) == &second);
    CHECK(order.pop_due(start) == &first);
}

TEST_CASE("items that are due at the ends of time come out then") {
    timer_items made;
    timer_order order;
    timer_node& last = made.due_at(never);
    timer_node& first = made.due_at(steady_time::min());
    REQUIRE(order.try_push(last));
    REQUIRE(order.try_push(first));
    CHECK(order.pop_due(steady_time::min()) == &first);
    CHECK(order.pop_due(never - 1ns) == nullptr);
    CHECK(order.pop_due(never) == &last);
}

TEST_CASE("whose time comes last is found without a look at all that wait") {
    timer_items made;
    timer_order order;
    steady_time due = start;
    const auto push_next = [&] {
        due += 1ms;
        timer_node& fresh = made.due_at(due);
        REQUIRE(order.try_push(fresh));
        return &fresh;
    };
    for (int i = 0; i < 1000; ++i) {
        push_next();
    }
    int looks = 0;
    for (int i = 0; i < 100; ++i) {
        const timer_node* const last = push_next();
        REQUIRE(order.take_latest_if([&](timer_node&) { return ++looks > 0; }) == last);
    }
    CHECK(looks < 10'000);
    CHECK(order.size() == 1000);
}

TEST_CASE("an order agrees with a sorted list, whatever is done to both") {
    for (const unsigned seed : {1U, 2U, 3U, 4U}) {
        CAPTURE(seed);
        check_against_sorted<timer_order>(seed);
    }
}
