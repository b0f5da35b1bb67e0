// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/timer_queue.hpp>

#include "catch.hpp"
#include "make_task.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace faf::detail;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<timer_queue>);

constexpr steady_time start{1h};
constexpr steady_time never = steady_time::max();
constexpr unsigned all = std::numeric_limits<unsigned>::max();

/// A sleeper that can be asked to get up.
struct sleeper : suspended {
    bool is_asked = false;

    explicit sleeper(steady_time until) noexcept {
        due = until;
        is_resumption = true;
        wants_to_stop = [](const suspended& self) {
            return static_cast<const sleeper&>(self).is_asked;
        };
    }
};

/// A queue, and what it has handed out.
struct served_queue {
    timer_queue queue;
    std::deque<sleeper> sleepers;
    std::vector<const timed*> handed_out;

    sleeper& push(steady_time due) {
        sleeper& fresh = sleepers.emplace_back(due);
        REQUIRE(queue.push(fresh));
        return fresh;
    }

    /// Returns when to serve again.
    steady_time serve(steady_time now, unsigned most = all) {
        handed_out.clear();
        return queue.serve(now, most, [this](timed& item) {
            handed_out.push_back(&item);
            return true;
        });
    }
};

using list = std::vector<const timed*>;

std::set<const timed*> as_set(const timed* of_list) {
    std::set<const timed*> items;
    for (; of_list != nullptr; of_list = of_list->next) {
        items.insert(of_list);
    }
    return items;
}

} // namespace

TEST_CASE("a queue without items is never to be served") {
    served_queue used;
    CHECK(used.serve(start) == never);
    CHECK(used.handed_out.empty());
    CHECK(used.queue.accepted() == 0);
    CHECK_FALSE(used.queue.has_awaited());
    CHECK_FALSE(used.queue.seems_used());
    CHECK_FALSE(used.queue.has_news());
    CHECK(used.queue.take_if([](timed&) { return true; }) == nullptr);
}

TEST_CASE("what is pushed is handed out when it is due, and the time to serve again is told") {
    served_queue used;
    const sleeper& later_one = used.push(start + 2s);
    const sleeper& first = used.push(start + 1s);
    CHECK(used.queue.has_news());
    CHECK(used.queue.has_awaited());
    CHECK(used.serve(start) == start + 1s);
    CHECK_FALSE(used.queue.has_news());
    CHECK(used.handed_out.empty());
    CHECK(used.serve(start + 1s) == start + 2s);
    CHECK(used.handed_out == list{&first});
    CHECK(used.queue.has_awaited());
    CHECK(used.queue.seems_used());
    CHECK(used.serve(start + 2s) == never);
    CHECK(used.handed_out == list{&later_one});
    CHECK_FALSE(used.queue.has_awaited());
    CHECK(used.queue.accepted() == 2);
    CHECK_FALSE(used.queue.seems_used());
}

TEST_CASE("what is due at the same time is handed out in the order of the pushes") {
    served_queue used;
    list expected;
    for (int i = 0; i < 100; ++i) {
        expected.push_back(&used.push(start));
    }
    used.serve(start);
    CHECK(used.handed_out == expected);
}

TEST_CASE("one service hands out as many as it may, and the next goes on") {
    served_queue used;
    list expected;
    for (int i = 0; i < 5; ++i) {
        expected.push_back(&used.push(start));
    }
    CHECK(used.serve(start, 3) <= start);
    CHECK(used.handed_out == list(expected.begin(), expected.begin() + 3));
    CHECK(used.queue.has_awaited());
    CHECK(used.serve(start, 3) == never);
    CHECK(used.handed_out == list(expected.begin() + 3, expected.end()));
}

TEST_CASE("what finds no room where it is handed out stays, and is tried again soon") {
    served_queue used;
    const sleeper& first = used.push(start);
    const sleeper& second = used.push(start);
    int tries = 0;
    const steady_time again = used.queue.serve(start, all, [&](timed&) {
        ++tries;
        return false;
    });
    CHECK(tries == 1); // where there is no room for one there is none for the next
    CHECK(again > start - 1ns);
    CHECK(again <= start + 5ms);
    CHECK(used.queue.has_awaited());
    CHECK(used.queue.seems_used());
    used.serve(start + 5ms);
    CHECK(std::set<const timed*>(used.handed_out.begin(), used.handed_out.end()) ==
          std::set<const timed*>{&first, &second});
    CHECK_FALSE(used.queue.has_awaited());
}

TEST_CASE("the only one that finds no room is tried again after five milliseconds") {
    served_queue used;
    used.push(start);
    CHECK(used.queue.serve(start, all, [](timed&) { return false; }) == start + 5ms);
    CHECK(used.serve(start + 5ms) == never);
    CHECK(used.handed_out.size() == 1);
}

TEST_CASE("a closed queue refuses, and counts nothing of what it refused") {
    served_queue used;
    const sleeper& in_time = used.push(start);
    used.queue.close();
    used.queue.close();
    sleeper late(start);
    CHECK_FALSE(used.queue.push(late));
    CHECK(used.queue.accepted() == 1);
    CHECK(used.queue.has_awaited());
    CHECK_FALSE(used.queue.has_news());
    used.serve(start); // what it had before it still hands out
    CHECK(used.handed_out == list{&in_time});
    CHECK_FALSE(used.queue.push(late));
    CHECK_FALSE(used.queue.has_awaited());
    CHECK_FALSE(used.queue.seems_used());
}

TEST_CASE("those that are asked to stop are handed out at the next service, the others are not") {
    served_queue used;
    used.push(start + 1h);
    sleeper& asked = used.push(start + 1h);
    asked.is_asked = true;
    CHECK(used.serve(start) == start + 1h); // nobody has said that there is one
    CHECK(used.handed_out.empty());
    used.queue.request_sweep();
    CHECK(used.queue.has_news());
    CHECK(used.serve(start + 1s) == start + 1h);
    CHECK(used.handed_out == list{&asked});
    CHECK(asked.due == start + 1s);
    CHECK_FALSE(used.queue.has_news());
    CHECK(used.queue.has_awaited());
}

TEST_CASE("looking for those that are asked to stop takes a tenth of the time at most") {
    served_queue used;
    for (int i = 0; i < 1000; ++i) {
        used.push(start + 1h);
    }
    used.sleepers[10].is_asked = true;
    used.queue.request_sweep();
    used.serve(start);
    CHECK(used.handed_out == list{&used.sleepers[10]});
    used.sleepers[20].is_asked = true;
    used.queue.request_sweep();
    CHECK(used.serve(start + 999us) == start + 1ms); // a microsecond for each that waits
    CHECK(used.handed_out.empty());
    CHECK(used.serve(start + 1ms) == start + 1h); // without being asked again
    CHECK(used.handed_out == list{&used.sleepers[20]});
}

TEST_CASE("who is asked to stop when his time has come anyway keeps it") {
    served_queue used;
    sleeper& asked = used.push(start);
    asked.is_asked = true;
    used.queue.request_sweep();
    used.serve(start + 1s);
    CHECK(used.handed_out == list{&asked});
    CHECK(asked.due == start);
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a task whose token is asked to stop is handed out before its time") {
    timer_queue queue;
    std::stop_source source;
    task_ptr task = faf_test::make_task_with_details([] {}, {.stop = source.get_token()});
    task->due = start + 1h;
    REQUIRE(queue.push(*task));
    source.request_stop();
    queue.request_sweep();
    const timed* handed_out = nullptr;
    queue.serve(start, all, [&](timed& item) {
        handed_out = &item;
        return true;
    });
    CHECK(handed_out == task.get());
}

#endif

TEST_CASE("nobody awaits a task that repeats") {
    timer_queue queue;
    const task_ptr once = faf_test::make_task_with_details([] {}, {.expires = 1s});
    const task_ptr again = faf_test::make_task_with_details([] {}, {.every = 1s});
    REQUIRE(queue.push(*once));
    REQUIRE(queue.push(*again));
    CHECK(queue.accepted() == 2);
    CHECK(queue.has_awaited());
    CHECK(as_set(queue.take_if([](timed& item) { return is_awaited(item); })) ==
          std::set<const timed*>{once.get()});
    CHECK_FALSE(queue.has_awaited());
    CHECK(queue.seems_used());
    CHECK(queue.take_if([](timed&) { return true; }) == again.get());
    CHECK_FALSE(queue.seems_used());
}

TEST_CASE("what is taken out comes from wherever it waits, and the rest stays") {
    served_queue used;
    sleeper& spilled = used.push(start);
    used.queue.serve(start, all, [](timed&) { return false; });
    sleeper& kept_in_heap = used.push(start + 2s);
    sleeper& in_heap = used.push(start + 1s);
    used.queue.serve(start, all, [](timed&) { return false; });
    sleeper& in_intake = used.push(start + 1s);
    sleeper& kept_in_intake = used.push(start + 2s);
    const std::set<const timed*> taken =
        as_set(used.queue.take_if([](const timed& item) { return item.due < start + 2s; }));
    CHECK(taken == std::set<const timed*>{&spilled, &in_heap, &in_intake});
    CHECK(used.queue.has_awaited());
    used.serve(start + 2s);
    CHECK(used.handed_out == list{&kept_in_heap, &kept_in_intake});
    CHECK_FALSE(used.queue.seems_used());
}
