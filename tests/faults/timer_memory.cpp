// SPDX-License-Identifier: MIT
// The address space is used up: a heap of timers can't grow, and nothing that waits in it is lost.

#include "child.hpp"
#include "eventually.hpp"

#include <fire_and_forget/detail/queue/timer_queue.hpp>
#include <fire_and_forget/testing.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::detail::steady_time;
using faf::detail::suspended;
using faf::detail::timer_heap;
using faf::detail::timer_node;
using faf::detail::timer_order;
using faf::detail::timer_queue;

constexpr std::size_t many = 1'000'000;

/// Lets the process have `more` bytes than it has now, while it lives.
class little_room {
public:
    explicit little_room(std::size_t more) {
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        REQUIRE(getrlimit(RLIMIT_AS, &before_) == 0);
        rlimit now = before_;
        now.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + more;
        REQUIRE(setrlimit(RLIMIT_AS, &now) == 0);
    }
    ~little_room() { setrlimit(RLIMIT_AS, &before_); }
    little_room(const little_room&) = delete;
    little_room& operator=(const little_room&) = delete;

private:
    rlimit before_{};
};

const child heap_without_room("heap without room", [](ledger& book) {
    std::vector<timer_node> items(many);
    timer_heap heap;
    std::size_t pushed = 0;
    {
        const little_room now(1U << 20U);
        for (; pushed < many; ++pushed) {
            items[pushed].due = steady_time(std::chrono::nanoseconds(many - pushed));
            if (!heap.try_push(items[pushed])) {
                break;
            }
        }
        CHECK(heap.size() == pushed);
        CHECK_FALSE(heap.try_push(items[pushed]));
        CHECK(heap.size() == pushed);
    }
    book.notes[0] = static_cast<long>(pushed);
    CHECK(heap.try_push(items[pushed])); // there is room again
    std::size_t popped = 0;
    std::size_t wrong = 0;
    steady_time before{};
    while (const timer_node* const item = heap.pop_due(steady_time::max())) {
        ++popped;
        wrong += item->due < before ? 1 : 0;
        before = item->due;
    }
    CHECK(popped == pushed + 1);
    CHECK(wrong == 0);
});

TEST_CASE("a heap that can't grow refuses what is pushed and keeps what it has") {
    if (is_sanitized) {
        WARN("left out: a sanitizer needs more room than there is");
        return;
    }
    const outcome end = run(heap_without_room);
    check_exit(end);
    CHECK(end->notes[0] > 1000);
    CHECK(end->notes[0] < static_cast<long>(many));
}

const child queue_without_room("queue without room", [](ledger& book) {
    std::vector<suspended> items(many);
    timer_queue queue;
    std::size_t handed_out = 0;
    const auto count = [&](timer_node&) {
        ++handed_out;
        return true;
    };
    {
        const little_room now(1U << 20U);
        for (std::size_t i = 0; i < many; ++i) {
            items[i].is_resumption = true;
            items[i].due = steady_time(std::chrono::nanoseconds(2 + i % 1000));
            CHECK(queue.push(items[i]));
        }
        // Serving moves them to the heap, where most find no room; it comes back for them soon.
        const steady_time start(std::chrono::nanoseconds(1));
        CHECK(queue.serve(start, 1000, count) <= start + 5ms);
        CHECK(handed_out == 0);
        CHECK(queue.has_awaited());
        const steady_time all_due(std::chrono::nanoseconds(2000));
        queue.serve(all_due, 1000, count);
        book.notes[0] = static_cast<long>(handed_out);
        CHECK(queue.has_awaited());
    }
    while (queue.has_awaited()) {
        const std::size_t before = handed_out;
        queue.serve(steady_time(1h), many, count);
        REQUIRE(handed_out > before);
    }
    CHECK(handed_out == many);
    CHECK_FALSE(queue.seems_used());
});

const child taken_without_room("taken without room", [](ledger&) {
    std::vector<suspended> items(many);
    timer_queue queue;
    const little_room now(1U << 20U);
    for (std::size_t i = 0; i < many; ++i) { // each before the last one, so that none fits a run
        items[i].is_resumption = true;
        items[i].due = steady_time(std::chrono::nanoseconds(many - i));
        CHECK(queue.push(items[i]));
    }
    std::size_t taken = 0;
    for (const timer_node* item = queue.take_if([](timer_node&) { return true; }); item != nullptr;
         item = item->next) {
        ++taken;
    }
    CHECK(taken == many);
    CHECK_FALSE(queue.has_awaited());
});

TEST_CASE("timers that find no room in the heap are taken out with the others") {
    if (is_sanitized) {
        WARN("left out: a sanitizer needs more room than there is");
        return;
    }
    check_exit(run(taken_without_room));
}

const child hastened_without_room("hastened without room", [](ledger& book) {
    constexpr std::size_t some = 200'000;
    std::vector<suspended> items(some);
    timer_queue queue;
    const steady_time now(1h);
    {
        const little_room here(1U << 20U);
        for (std::size_t i = 0; i < some; ++i) { // each before the last one, so none fits a run
            items[i].is_resumption = true;
            items[i].due = steady_time(3h - i * 1us);
            CHECK(queue.push(items[i]));
        }
        queue.make_due(now, [](timer_node&) { return true; });
    }
    std::size_t handed_out = 0;
    for (std::size_t before = 1; handed_out != before;) {
        before = handed_out;
        queue.serve(now, some, [&](timer_node&) {
            ++handed_out;
            return true;
        });
    }
    book.notes[0] = static_cast<long>(handed_out);
    CHECK_FALSE(queue.has_awaited());
    static_cast<void>(queue.take_if([](timer_node&) { return true; }));
});

TEST_CASE("what sleeps is woken by a stop although it has found no room in the heap") {
    if (is_sanitized) {
        WARN("left out: a sanitizer needs more room than there is");
        return;
    }
    const outcome end = run(hastened_without_room);
    check_exit(end);
    CHECK(end->notes[0] == 200'000);
}

const child latest_without_room("latest without room", [](ledger&) {
    std::vector<timer_node> items(many);
    timer_order order;
    for (std::size_t i = 0; i < many; ++i) {
        items[i].due = steady_time(std::chrono::nanoseconds(i / 1000));
        REQUIRE(order.try_push(items[i]));
    }
    {
        const little_room now(1U << 20U);
        CHECK(order.take_latest_if([](timer_node&) { return true; }) == nullptr);
    }
    CHECK(order.size() == many);
    std::size_t popped = 0;
    while (popped < many && order.pop_due(steady_time::max()) == &items[popped]) {
        ++popped;
    }
    CHECK(popped == many);
});

TEST_CASE("where there is no memory to look for the latest timer, none is taken or lost") {
    if (is_sanitized) {
        WARN("left out: a sanitizer needs more room than there is");
        return;
    }
    check_exit(run(latest_without_room));
}

#if defined(__GLIBC__)

long in_use() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<long>(now.uordblks + now.hblkhd);
}

const child heap_emptied("heap emptied", [](ledger& book) {
    std::vector<timer_node> items(many);
    timer_heap heap;
    const auto fill = [&] {
        for (timer_node& item : items) {
            item.is_watched = book.argument == 2;
            REQUIRE(heap.try_push(item));
        }
    };
    const long before = in_use();
    fill();
    book.notes[0] = in_use() - before;
    switch (book.argument) {
    case 0:
        while (heap.pop_due(steady_time::max()) != nullptr) {
        }
        break;
    case 1:
        static_cast<void>(heap.remove_if([](timer_node&) { return true; }));
        break;
    default:
        for (timer_node& item : items) {
            heap.remove(item);
        }
    }
    book.notes[1] = in_use() - before;
    fill(); // it can grow again
    CHECK(heap.size() == many);
});

TEST_CASE("a heap of timers gives its memory back when they are gone, however they went") {
    if (is_sanitized) {
        WARN("left out: a sanitizer has an allocator of its own");
        return;
    }
    for (long how = 0; how < 3; ++how) {
        CAPTURE(how);
        const outcome end = run(heap_emptied, how);
        check_exit(end);
        CHECK(end->notes[0] >= static_cast<long>(many * 16));
        CHECK(end->notes[1] < 10'000);
    }
}

TEST_CASE("what waits for one of a few lengths of time takes no memory but its own") {
    if (is_sanitized) {
        WARN("left out: a sanitizer has an allocator of its own");
        return;
    }
    std::vector<timer_node> items(many);
    timer_order order;
    const long before = in_use();
    for (std::size_t i = 0; i < many; ++i) {
        constexpr std::array<std::chrono::nanoseconds, 5> lengths{30s, 1s, 1h, 5s, 0s};
        items[i].due = steady_time(i * 1us + lengths[i % lengths.size()]);
        REQUIRE(order.try_push(items[i]));
    }
    CHECK(in_use() == before);
    CHECK(order.size() == many);
}

#endif

const child repeated_without_room("repeated without room", [](ledger& book) {
    constexpr int as_many = 1 << 15; // what fills an array of the heap, and is a mapping of its own
    constexpr int elsewhere = 8;     // each is due before the last one, so eight runs are begun
    faf::testing::manual_executor ex;
    int runs = 0;
    for (int i = 1; i < as_many + elsewhere; ++i) {
        faf::fire_and_forget(ex, {.after = 1h - i * 1us}, [] {});
    }
    faf::fire_and_forget(ex, {.every = 1s}, [&] {
        if (++runs == 1) { // takes the place that the task had
            faf::fire_and_forget(ex, {.after = 1min}, [] {});
        }
    });
    {
        const little_room now(64U << 10U);
        ex.run_all();
        CHECK_FALSE(faf::fire_and_forget(ex, {.after = 1min}, [] {}));
        CHECK(ex.pending() == as_many + elsewhere + 1);
        ex.advance(1s);
        CHECK(runs == 2);
    }
    ex.advance(10s);
    book.notes[0] = runs;
});

TEST_CASE("a task that repeats on a manual executor goes on where there is no memory to keep it") {
    if (is_sanitized) {
        WARN("left out: a sanitizer needs more room than there is");
        return;
    }
    const outcome end = run(repeated_without_room);
    check_exit(end);
    CHECK(end->notes[0] == 12);
    CHECK(end->reports_of(faf::failure::abandoned) == 0);
}

TEST_CASE("timers that find no room in the heap are kept and fire when there is some") {
    if (is_sanitized) {
        WARN("left out: a sanitizer needs more room than there is");
        return;
    }
    const outcome end = run(queue_without_room);
    check_exit(end);
    CHECK(end->notes[0] > 0);
}

} // namespace
