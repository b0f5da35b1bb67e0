// SPDX-License-Identifier: MIT
// Error sinks under load: replaced while they are called, slow, throwing, firing tasks themselves.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::thread_pool;

/// Brings back the default sink at the end of a test.
struct sink_restored {
    ~sink_restored() { faf::set_error_sink(nullptr); }
};

TEST_CASE("the global sink may be replaced while eight threads report to it") {
    const sink_restored at_the_end;
    constexpr int replacements = load(100'000, 10'000);
    auto heard = std::make_shared<std::atomic<std::uint64_t>>(0);
    // Each sink has a state of its own, which must not be gone while the sink is called.
    const auto make_sink = [&heard](int number) -> faf::error_sink {
        return [heard, state = std::make_unique<std::string>(std::to_string(number)) != nullptr
                                   ? std::make_shared<std::string>(100, 'x')
                                   : nullptr](const faf::error_report&) {
            if (state->size() == 100 && state->front() == 'x') {
                ++*heard;
            }
        };
    };
    faf::set_error_sink(make_sink(0));
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> reported{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&] {
            do { // once at least, however late it comes
                fire_and_forget(faf::inline_executor{}, [] { throw 1; });
                ++reported;
            } while (!is_over);
        });
    }
    std::uint64_t previous_sinks = 0;
    for (int i = 1; i <= replacements; ++i) {
        previous_sinks += faf::set_error_sink(make_sink(i)) ? 1 : 0;
    }
    is_over = true;
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(previous_sinks == static_cast<std::uint64_t>(replacements));
    CHECK(reported > 0);
    CHECK(*heard == reported);
}

TEST_CASE("threads that replace the sink at once each get back another one") {
    const sink_restored at_the_end;
    constexpr int each = load(100'000, 5'000);
    constexpr int replacing = 4;
    // Every sink put in is taken out once: a sink taken out twice or never is a lost update.
    std::vector<std::atomic<int>> taken(replacing * each + 1);
    struct numbered {
        std::size_t number;
        std::vector<std::atomic<int>>* taken;
        void operator()(const faf::error_report&) const {}
    };
    const auto note = [](const faf::error_sink& sink) {
        if (const auto* known = sink.target<numbered>()) {
            ++(*known->taken)[known->number];
        }
    };
    faf::set_error_sink(numbered{0, &taken});
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < replacing; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < each; ++i) {
                note(faf::set_error_sink(numbered{1 + t * each + i, &taken}));
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    note(faf::set_error_sink(nullptr));
    std::size_t wrong = 0;
    for (const std::atomic<int>& count : taken) {
        wrong += count == 1 ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a sink that throws is reported to the next one, every time") {
    const sink_restored at_the_end;
    constexpr int tasks = load(5'000, 500);
    std::atomic<std::uint64_t> own{0};
    std::atomic<std::uint64_t> of_pool{0};
    std::array<std::atomic<std::uint64_t>, 10> global{};
    faf::set_error_sink(
        [&](const faf::error_report& report) { ++global[static_cast<std::size_t>(report.kind)]; });
    thread_pool pool({.threads = 4,
                      .max_threads = 4,
                      .starvation_after = 0s,
                      .on_error = [&](const faf::error_report&) {
                          ++of_pool;
                          throw std::runtime_error("the pool's sink");
                      }});
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget(pool,
                        {.on_error =
                             [&](const faf::error_report&) {
                                 ++own;
                                 throw 1;
                             }},
                        [] { throw std::runtime_error("the task"); });
    }
    CHECK(pool.drain(patience));
    CHECK(own == tasks);
    // The report itself, and the failure of the task's sink.
    CHECK(of_pool == 2 * tasks);
    CHECK(global[static_cast<std::size_t>(failure::exception)] == tasks);
    // Of the task's sink, and of the pool's for each of the two reports.
    CHECK(global[static_cast<std::size_t>(failure::sink_failed)] == 3 * tasks);
    CHECK(pool.snapshot().failed == tasks);
}

TEST_CASE("a sink that blocks holds up neither the other workers nor those who fire") {
    std::atomic<bool> is_blocked{false};
    std::atomic<bool> may_go{false};
    thread_pool pool({.threads = 2,
                      .max_threads = 2,
                      .starvation_after = 0s,
                      .on_error = [&](const faf::error_report&) {
                          is_blocked = true;
                          may_go.wait(false);
                      }});
    fire_and_forget(pool, [] { throw 1; });
    REQUIRE(eventually([&] { return is_blocked.load(); }));
    // All of this happens while the sink blocks: with a lock held it never would.
    std::atomic<int> runs{0};
    for (int i = 0; i < 1000; ++i) {
        CHECK(fire_and_forget(pool, [&] { ++runs; }));
    }
    CHECK(eventually([&] { return runs == 1000; }));
    CHECK(eventually([&] { return pool.snapshot().running == 1; })); // the last may just end
    CHECK_FALSE(pool.drain(1ms));
    thread_pool other({.threads = 1});
    fire_and_forget(other, [&] { ++runs; });
    CHECK(other.drain(patience));
    faf::set_error_sink(nullptr);
    may_go = true;
    may_go.notify_all();
    CHECK(pool.drain(patience));
}

TEST_CASE("a global sink that blocks keeps nobody from replacing it or from reporting") {
    const sink_restored at_the_end;
    std::atomic<bool> is_blocked{false};
    std::atomic<bool> may_go{false};
    std::atomic<int> heard{0};
    faf::set_error_sink([&](const faf::error_report&) {
        is_blocked = true;
        may_go.wait(false);
    });
    thread_pool pool({.threads = 2, .max_threads = 2, .starvation_after = 0s});
    fire_and_forget(pool, [] { throw 1; });
    REQUIRE(eventually([&] { return is_blocked.load(); }));
    faf::set_error_sink([&](const faf::error_report&) { ++heard; });
    fire_and_forget(pool, [] { throw 2; });
    CHECK(eventually([&] { return heard == 1; }));
    may_go = true;
    may_go.notify_all();
    CHECK(pool.drain(patience));
    CHECK(heard == 1);
}

TEST_CASE("a sink may fire tasks, wherever they fail again") {
    const sink_restored at_the_end;
    std::atomic<int> left{load(5'000, 500)};
    std::atomic<int> heard{0};
    thread_pool pool({.threads = 2, .max_threads = 2, .starvation_after = 0s});
    faf::set_error_sink([&](const faf::error_report&) {
        ++heard;
        if (--left > 0) {
            fire_and_forget(pool, [] { throw 1; });
            fire_and_forget(pool, [] {});
        }
    });
    for (int i = 0; i < 8; ++i) {
        fire_and_forget(pool, [] { throw 1; });
    }
    CHECK(eventually([&] { return left <= 0 && pool.drain(patience); }));
    CHECK(heard >= load(5'000, 500));
    CHECK(static_cast<std::uint64_t>(heard) == pool.snapshot().failed);
}

TEST_CASE("a sink may replace itself") {
    const sink_restored at_the_end;
    std::atomic<int> heard{0};
    struct successor {
        std::atomic<int>* heard;
        std::shared_ptr<std::string> state = std::make_shared<std::string>(100, 'x');
        void operator()(const faf::error_report&) const {
            faf::set_error_sink(successor{heard});
            if (state->size() == 100) { // its own state outlives its replacement
                ++*heard;
            }
        }
    };
    faf::set_error_sink(successor{&heard});
    thread_pool pool({.threads = 4, .max_threads = 4, .starvation_after = 0s});
    constexpr int tasks = load(5'000, 500);
    for (int i = 0; i < tasks; ++i) {
        fire_and_forget(pool, [] { throw 1; });
    }
    CHECK(pool.drain(patience));
    CHECK(heard == tasks);
}

TEST_CASE("a sink may shut its pool down") {
    for (int round = 0; round < load(200, 30); ++round) {
        std::atomic<int> answers{0};
        std::atomic<thread_pool*> self{nullptr};
        thread_pool pool({.threads = 2,
                          .max_threads = 2,
                          .starvation_after = 0s,
                          .on_error = [&](const faf::error_report&) {
                              answers += self.load()->shutdown(patience) ? 1000 : 1;
                          }});
        self = &pool;
        fire_and_forget(pool, [] { throw 1; });
        CHECK(pool.drain(patience));
        CHECK(answers == 1);
        CHECK(pool.shutdown(patience));
    }
}

} // namespace
