// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/task/timer_heap.hpp>

#include "catch.hpp"
#include "timer_items.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace {

using namespace faf_test;
using faf::detail::timer_heap;

static_assert(!std::is_copy_constructible_v<timer_heap>);
static_assert(std::is_nothrow_default_constructible_v<timer_heap>);

} // namespace

TEST_CASE("a heap without items has nothing due, ever") {
    timer_heap heap;
    CHECK(heap.size() == 0);
    CHECK(heap.next_due() == never);
    CHECK(heap.pop_due(never) == nullptr);
    CHECK(heap.remove_if([](timer_node&) { return true; }) == nullptr);
}

TEST_CASE("a heap hands out an item when its time has come, and not a moment before") {
    timer_items made;
    timer_heap heap;
    timer_node& only = made.due_at(start);
    REQUIRE(heap.try_push(only));
    CHECK(heap.next_due() == start);
    CHECK(heap.pop_due(start - 1ns) == nullptr);
    CHECK(heap.size() == 1);
    CHECK(heap.pop_due(start) == &only);
    CHECK(heap.size() == 0);
    CHECK(heap.pop_due(never) == nullptr);
}

TEST_CASE("a heap hands out items by their deadlines, whatever the order they came in") {
    timer_items made;
    timer_heap heap;
    for (const auto after : {5s, 1s, 4s, 2s, 3s, 0s}) {
        REQUIRE(heap.try_push(made.due_at(start + after)));
    }
    for (int i = 0; i <= 5; ++i) {
        CHECK(heap.next_due() == start + std::chrono::seconds(i));
        const timer_node* const first = heap.pop_due(never);
        REQUIRE(first != nullptr);
        CHECK(first->due == start + std::chrono::seconds(i));
    }
}

TEST_CASE("items with the same deadline come out of a heap by their numbers") {
    timer_items made;
    timer_heap heap;
    std::vector<const timer_node*> expected;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        timer_node& fresh = made.due_at(start);
        fresh.number = i + 0xffff'fe00U; // halfway it begins from zero again
        REQUIRE(heap.try_push(fresh));
        expected.push_back(&fresh);
    }
    for (const timer_node* const item : expected) {
        REQUIRE(heap.pop_due(start) == item);
    }
}

TEST_CASE("an item that is due at the end of time is handed out then") {
    timer_items made;
    timer_heap heap;
    timer_node& last = made.due_at(never);
    REQUIRE(heap.try_push(last));
    CHECK(heap.pop_due(never - 1ns) == nullptr);
    CHECK(heap.pop_due(never) == &last);
}

TEST_CASE("what is removed is what was asked for, and the others stay in order") {
    for (std::size_t count = 0; count < 100; ++count) {
        CAPTURE(count);
        timer_items made;
        timer_heap heap;
        for (std::size_t i = 0; i < count; ++i) { // neither rising nor falling
            REQUIRE(heap.try_push(made.due_at(start + std::chrono::seconds(i * 37 % 101))));
        }
        const auto is_odd = [](const timer_node& item) { return (item.due - start) / 1s % 2 == 1; };
        const timer_node* const removed = heap.remove_if(is_odd);
        for (const timer_node* item = removed; item != nullptr; item = item->next) {
            CHECK(is_odd(*item));
        }
        CHECK(length(removed) + heap.size() == count);
        steady_time before{};
        while (const timer_node* const item = heap.pop_due(never)) {
            CHECK_FALSE(is_odd(*item));
            CHECK(before <= item->due);
            before = item->due;
        }
    }
}

TEST_CASE("a removal keeps the order of those that stay and have the same deadline") {
    timer_items made;
    timer_heap heap;
    std::vector<const timer_node*> expected;
    for (int i = 0; i < 300; ++i) {
        timer_node& fresh = made.due_at(start);
        fresh.is_delayed = i % 3 == 0;
        REQUIRE(heap.try_push(fresh));
        if (!fresh.is_delayed) {
            expected.push_back(&fresh);
        }
    }
    CHECK(length(heap.remove_if([](const timer_node& item) { return item.is_delayed; })) == 100);
    for (const timer_node* const item : expected) {
        REQUIRE(heap.pop_due(start) == item);
    }
    CHECK(heap.size() == 0);
}

TEST_CASE("an item that is watched can be removed from wherever it is in the heap") {
    for (std::size_t count = 1; count < 60; ++count) {
        for (std::size_t gone = 0; gone < count; ++gone) {
            timer_items made;
            timer_heap heap;
            timer_node* removed = nullptr;
            for (std::size_t i = 0; i < count; ++i) {
                timer_node& fresh = made.watched_due_at(start + std::chrono::seconds(i * 37 % 61));
                REQUIRE(heap.try_push(fresh));
                removed = i == gone ? &fresh : removed;
            }
            REQUIRE(removed->is_in_heap);
            heap.remove(*removed);
            REQUIRE_FALSE(removed->is_in_heap);
            REQUIRE(heap.size() == count - 1);
            steady_time before{};
            while (const timer_node* const item = heap.pop_due(never)) {
                REQUIRE(item != removed);
                REQUIRE(before <= item->due);
                before = item->due;
            }
        }
    }
}

TEST_CASE("a heap agrees with a sorted list, whatever is done to both") {
    for (const unsigned seed : {1U, 2U, 3U, 4U}) {
        CAPTURE(seed);
        check_against_sorted<timer_heap>(seed);
    }
}
