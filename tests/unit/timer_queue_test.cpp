// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/queue/timer_queue.hpp>

#include "catch.hpp"
#include "make_task.hpp"
#include "virtual_time.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace faf::detail;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<timer_queue>);

constexpr steady_time start{1h};
constexpr unsigned all = std::numeric_limits<unsigned>::max();

/// A sleeper that can be asked to get up, and may be watched for that.
struct sleeper : suspended {
    struct its_watch : watched {
        using watched::watched;
    };
    bool is_asked = false;
    int* looks = nullptr;
    its_watch own_watch{*this};

    explicit sleeper(steady_time until) noexcept {
        due = until;
        is_resumption = true;
        static constexpr suspended_type asked{nullptr, nullptr, [](const suspended& one) {
                                                  const auto& self =
                                                      static_cast<const sleeper&>(one);
                                                  if (self.looks != nullptr) {
                                                      ++*self.looks;
                                                  }
                                                  return self.is_asked;
                                              }};
        does = &asked;
    }

    void watch_it() noexcept {
        watch = &own_watch;
        is_watched = true;
    }
};

/// A queue, and what it has handed out.
struct served_queue {
    timer_queue queue;
    std::deque<sleeper> sleepers;
    std::vector<const timer_node*> handed_out;

    sleeper& push(steady_time due) {
        sleeper& fresh = sleepers.emplace_back(due);
        REQUIRE(queue.push(fresh));
        return fresh;
    }

    sleeper& push_watched(steady_time due) {
        sleeper& fresh = sleepers.emplace_back(due);
        fresh.watch_it();
        REQUIRE(queue.push(fresh));
        return fresh;
    }

    /// Returns when to serve again.
    steady_time serve(steady_time now, unsigned most = all) {
        handed_out.clear();
        return queue.serve(now, most, [this](timer_node& item) {
            handed_out.push_back(&item);
            return true;
        });
    }
};

using list = std::vector<const timer_node*>;

std::set<const timer_node*> as_set(const timer_node* of_list) {
    std::set<const timer_node*> items;
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
    CHECK(used.queue.sleepers() == 0);
    CHECK_FALSE(used.queue.has_awaited());
    CHECK_FALSE(used.queue.seems_used());
    CHECK_FALSE(used.queue.has_news());
    CHECK(used.queue.take_if([](timer_node&) { return true; }) == nullptr);
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
    CHECK(used.queue.sleepers() == 2);
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
    const steady_time again = used.queue.serve(start, all, [&](timer_node&) {
        ++tries;
        return false;
    });
    CHECK(tries == 1); // where there is no room for one there is none for the next
    CHECK(again > start - 1ns);
    CHECK(again <= start + 5ms);
    CHECK(used.queue.has_awaited());
    CHECK(used.queue.seems_used());
    used.serve(start + 5ms);
    CHECK(std::set<const timer_node*>(used.handed_out.begin(), used.handed_out.end()) ==
          std::set<const timer_node*>{&first, &second});
    CHECK_FALSE(used.queue.has_awaited());
}

TEST_CASE("the only one that finds no room is tried again after five milliseconds") {
    served_queue used;
    used.push(start);
    CHECK(used.queue.serve(start, all, [](timer_node&) { return false; }) == start + 5ms);
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
    CHECK(used.queue.sleepers() == 1);
    CHECK(used.queue.has_awaited());
    CHECK_FALSE(used.queue.has_news());
    used.serve(start); // what it had before it still hands out
    CHECK(used.handed_out == list{&in_time});
    CHECK_FALSE(used.queue.push(late));
    CHECK_FALSE(used.queue.has_awaited());
    CHECK_FALSE(used.queue.seems_used());
}

TEST_CASE("one that is asked to stop is handed out at the next service, the others are not") {
    served_queue used;
    used.push(start + 1h);
    sleeper& asked = used.push_watched(start + 1h);
    used.push_watched(start + 1h);
    CHECK(used.serve(start) == start + 1h);
    CHECK(used.handed_out.empty());
    CHECK(used.queue.ask(asked.own_watch));
    CHECK_FALSE(used.queue.ask(asked.own_watch)); // that is known
    CHECK(used.queue.has_news());
    CHECK(used.serve(start + 1s) == start + 1h);
    CHECK(used.handed_out == list{&asked});
    CHECK(asked.due == start + 1s);
    CHECK_FALSE(used.queue.has_news());
    CHECK(used.queue.has_awaited());
}

TEST_CASE("one that is asked to stop is found without a look at the others") {
    served_queue used;
    int looks = 0;
    for (int i = 0; i < 1000; ++i) {
        used.push_watched(start + 1h).looks = &looks;
    }
    used.serve(start);
    for (const std::size_t i : {999U, 0U, 500U}) {
        used.queue.ask(used.sleepers[i].own_watch);
        CHECK(used.serve(start) == start + 1h);
        CHECK(used.handed_out == list{&used.sleepers[i]});
    }
    CHECK(looks == 0);
}

TEST_CASE("many that are asked to stop at once are handed out by and by") {
    served_queue used;
    for (int i = 0; i < 5; ++i) {
        used.push_watched(start + 1h);
    }
    used.serve(start);
    for (sleeper& one : used.sleepers) {
        used.queue.ask(one.own_watch);
    }
    const sleeper& due = used.push(start);
    CHECK(used.serve(start, 2) == start);
    CHECK(used.handed_out == list{&due, &used.sleepers[0], &used.sleepers[1]});
    CHECK(used.serve(start, 2) == start);
    CHECK(used.serve(start, 2) == never);
    CHECK(used.handed_out == list{&used.sleepers[4]});
    CHECK_FALSE(used.queue.seems_used());
}

TEST_CASE("one that was asked to stop before it is pushed is handed out when it has been") {
    served_queue used;
    sleeper& asked = used.sleepers.emplace_back(start + 1h);
    asked.watch_it();
    CHECK_FALSE(used.queue.ask(asked.own_watch)); // it does not wait yet
    asked.is_asked = true;
    REQUIRE(used.queue.push(asked));
    CHECK(used.serve(start) == never);
    CHECK(used.handed_out == list{&asked});
}

TEST_CASE("one that does not wait any more is left alone by who asks it to stop") {
    served_queue used;
    sleeper& due = used.push_watched(start);
    used.serve(start);
    CHECK(used.handed_out == list{&due});
    CHECK_FALSE(used.queue.ask(due.own_watch));

    sleeper& asked_and_due = used.push_watched(start);
    CHECK(used.queue.ask(asked_and_due.own_watch));
    used.serve(start);
    CHECK(used.handed_out == list{&asked_and_due}); // once
    CHECK(asked_and_due.due == start);
    CHECK_FALSE(used.queue.ask(asked_and_due.own_watch));

    sleeper& taken_out = used.push_watched(start + 1h);
    CHECK(used.queue.ask(taken_out.own_watch));
    CHECK(used.queue.take_if([](timer_node&) { return true; }) == &taken_out);
    CHECK(taken_out.own_watch.next == nullptr); // it is on no list: its owner may end it

    used.queue.close();
    sleeper& refused = used.sleepers.emplace_back(start);
    refused.watch_it();
    refused.is_asked = true;
    CHECK_FALSE(used.queue.push(refused));
    CHECK(refused.own_watch.next == nullptr);
    CHECK_FALSE(used.queue.ask(refused.own_watch));
}

TEST_CASE("one that is asked to stop and finds no room where it is handed out is tried again") {
    served_queue used;
    sleeper& asked = used.push_watched(start + 1h);
    used.queue.ask(asked.own_watch);
    CHECK(used.queue.serve(start, all, [](timer_node&) { return false; }) <= start + 5ms);
    CHECK(used.queue.has_awaited());
    CHECK(used.serve(start + 5ms) == never);
    CHECK(used.handed_out == list{&asked});
}

TEST_CASE("all that heed the stop of their executor are made due") {
    served_queue used;
    sleeper& heeds = used.push(start + 1h);
    sleeper& heeds_and_is_watched = used.push_watched(start + 2h);
    used.push(start + 3h);
    heeds.is_asked = heeds_and_is_watched.is_asked = true;
    used.queue.make_due(start, is_asked_to_stop);
    CHECK(used.serve(start) == start + 3h);
    CHECK(std::ranges::is_permutation(used.handed_out, list{&heeds, &heeds_and_is_watched}));
    CHECK(heeds.due == start);
}

TEST_CASE("who serves does not wait for somebody else who looks at all that wait") {
    served_queue used;
    used.push(start);
    steady_time next{};
    used.queue.take_if([&](timer_node&) {
        std::thread([&] { next = used.serve(start); }).join();
        return false;
    });
    CHECK(next == start + 5ms);
    CHECK(used.handed_out.empty());
    CHECK(used.serve(start) == never);
}

#if defined(__cpp_lib_jthread)

TEST_CASE("a task whose token is asked to stop is handed out before its time") {
    timer_queue queue;
    std::stop_source source;
    task_ptr task = faf_test::make_task_with_details([] {}, {.stop = source.get_token()});
    task->due = start + 1h;
    struct told final : faf_test::virtual_time {
        timer_queue* of = nullptr;
        void notice_stop_of(watched& one) noexcept override { CHECK(of->ask(one)); }
    };
    told executor;
    executor.of = &queue;
    task->details->watch = new stop_watch(task->details->stop, executor, *task);
    task->is_watched = true;
    REQUIRE(queue.push(*task));
    source.request_stop();
    const timer_node* handed_out = nullptr;
    queue.serve(start, all, [&](timer_node& item) {
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
    CHECK(as_set(queue.take_if([](timer_node& item) { return is_awaited(item); })) ==
          std::set<const timer_node*>{once.get()});
    CHECK_FALSE(queue.has_awaited());
    CHECK(queue.seems_used());
    CHECK(queue.take_if([](timer_node&) { return true; }) == again.get());
    CHECK_FALSE(queue.seems_used());
}

TEST_CASE("what is taken out comes from wherever it waits, and the rest stays") {
    served_queue used;
    sleeper& spilled = used.push(start);
    used.queue.serve(start, all, [](timer_node&) { return false; });
    sleeper& kept_in_heap = used.push(start + 2s);
    sleeper& in_heap = used.push(start + 1s);
    used.queue.serve(start, all, [](timer_node&) { return false; });
    sleeper& in_intake = used.push(start + 1s);
    sleeper& kept_in_intake = used.push(start + 2s);
    const std::set<const timer_node*> taken =
        as_set(used.queue.take_if([](const timer_node& item) { return item.due < start + 2s; }));
    CHECK(taken == std::set<const timer_node*>{&spilled, &in_heap, &in_intake});
    CHECK(used.queue.has_awaited());
    used.serve(start + 2s);
    CHECK(used.handed_out == list{&kept_in_heap, &kept_in_intake});
    CHECK_FALSE(used.queue.seems_used());
}
