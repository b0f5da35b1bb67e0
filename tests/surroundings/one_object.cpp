// SPDX-License-Identifier: MIT

// One object of the program that objects.cmake links from many: of a compiler and flags of its own.
// It uses the whole library, on threads that objects of the same kind may have started.
#include <fire_and_forget/coroutine.hpp>
#include <fire_and_forget/fire_and_forget.hpp>
#include <fire_and_forget/testing.hpp>

#include "one_object.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>
#include <system_error>
#include <thread>

#define TEXT_OF(name) #name
#define EXPANDED_TEXT_OF(name) TEXT_OF(name)

namespace {

using faf::fire_and_forget;
using namespace std::chrono_literals;

struct ledger {
    std::atomic<int> runs{0};
    std::atomic<int> reports{0};
};

faf::task<int> answer() {
    co_await faf::sleep_for(1ms);
    co_return 42;
}

faf::task<> add_answer(ledger& kept) {
    co_await faf::yield();
    const int sum = co_await answer();
    kept.runs += sum == 42 ? 1 : 0;
}

/// Tasks in slots, on the heap, that wait for their time, that repeat, with a thread of their own.
template <class... Executor>
void fire_all_kinds(ledger& kept, Executor&... on) {
    const auto run = [&kept] { ++kept.runs; };
    const auto hear = [&kept](const faf::error_report& report) {
        const std::string_view file = report.where.file_name();
        kept.reports += report.task == "fails" && file.ends_with("one_object.cpp") ? 1 : 0;
    };
    for (int i = 0; i < 100; ++i) {
        fire_and_forget(on..., run);
    }
    fire_and_forget(on..., [run, large = std::array<char, 200>()] { run(); });
    fire_and_forget(on..., {.name = "later", .after = 1ms}, run);
    fire_and_forget(on..., {.every = 1ms}, [run, n = 0]() mutable {
        run();
        return ++n < 5 ? faf::keep_repeating : faf::stop_repeating;
    });
    fire_and_forget(on..., {.name = "fails", .on_error = hear},
                    [] { return std::make_error_code(std::errc::timed_out); });
    fire_and_forget(on..., add_answer, std::ref(kept));
}

constexpr int times = 10;

bool is_complete(const ledger& kept, int rounds = times) {
    return kept.runs == rounds * 108 && kept.reports == rounds;
}

/// Round by round: all objects at once would ask for more threads of their own than there may be.
template <class... Executor>
bool use(Executor&... on) {
    ledger kept;
    for (int round = 1; round <= times; ++round) {
        fire_all_kinds(kept, on...);
        for (const auto start = std::chrono::steady_clock::now();
             !is_complete(kept, round) && std::chrono::steady_clock::now() < start + 60s;) {
            std::this_thread::sleep_for(1ms);
        }
    }
    return is_complete(kept);
}

bool use_by_hand() {
    ledger kept;
    faf::testing::manual_executor by_hand;
    for (int i = 0; i < times; ++i) {
        fire_all_kinds(kept, by_hand);
    }
    by_hand.advance(1s);
    return is_complete(kept);
}

bool use_own_pool() {
    faf::thread_pool mine({.threads = 2, .max_pending = 10'000, .name = "mine"});
    return use(mine) && mine.shutdown(60s);
}

} // namespace

object_answer THIS_OBJECT() {
    const bool is_right =
        use() && use(faf::own_thread) && use_own_pool() && use_by_hand() && faf::drain(60s);
    return {EXPANDED_TEXT_OF(FIRE_AND_FORGET_ABI), &faf::default_pool(), is_right};
}
