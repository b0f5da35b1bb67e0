// SPDX-License-Identifier: MIT
// Workers outlive whatever tasks do to them, and tasks may do whatever they like with pools.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;
using faf::thread_pool;

struct throws_on_destruction {
    bool is_armed = true;
    throws_on_destruction() = default;
    throws_on_destruction(throws_on_destruction&& other) noexcept
        : is_armed(std::exchange(other.is_armed, false)) {}
    throws_on_destruction(const throws_on_destruction&) = default;
    throws_on_destruction& operator=(throws_on_destruction) = delete;
    ~throws_on_destruction() noexcept(false) {
        if (is_armed) {
            throw std::runtime_error("from the closure's destructor");
        }
    }
    void operator()() const {}
};

struct throws_twice : throws_on_destruction {
    void operator()() const { throw std::runtime_error("from the call"); }
};

/// An exception whose own destructor throws when the last reference to it goes.
struct exploding {
    exploding() = default;
    exploding(const exploding&) = default;
    exploding& operator=(const exploding&) = default;
    ~exploding() noexcept(false) {
        if (--*left == 0) {
            throw std::logic_error("from the exception's destructor");
        }
    }
    std::shared_ptr<int> left = std::make_shared<int>(1);
};

/// GCC's run-time library loses the memory of such an exception, which is not for the leak checker;
/// LLVM's ends the process over it.
#if defined(_LIBCPP_VERSION)
constexpr bool may_explode = false;
#else
constexpr bool may_explode = !has_address_sanitizer;
#endif

using failing_task = void (*)(thread_pool&);

constexpr failing_task failing_tasks[] = {
    [](thread_pool& pool) {
        fire_and_forget(pool, [] {
            if constexpr (may_explode) {
                throw exploding();
            } else {
                throw 1;
            }
        });
    },
    [](thread_pool& pool) {
        fire_and_forget(pool,
                        {.on_error =
                             [](const faf::error_report&) {
                                 if constexpr (may_explode) {
                                     throw exploding();
                                 } else {
                                     throw 1;
                                 }
                             }},
                        [] { throw 42; });
    },
    [](thread_pool& pool) { fire_and_forget(pool, [] { throw 42; }); },
    [](thread_pool& pool) { fire_and_forget(pool, [] { throw std::runtime_error("std"); }); },
    [](thread_pool& pool) { fire_and_forget(pool, [] { throw "text"; }); },
    [](thread_pool& pool) {
        fire_and_forget(pool, [] { return std::make_error_code(std::errc::io_error); });
    },
    [](thread_pool& pool) { fire_and_forget(pool, [] { return std::make_exception_ptr(1); }); },
    [](thread_pool& pool) { fire_and_forget(pool, throws_on_destruction()); },
    [](thread_pool& pool) { fire_and_forget(pool, throws_twice()); },
    [](thread_pool& pool) {
        fire_and_forget(pool, {.on_error = [](const faf::error_report&) { throw 1; }},
                        [] { throw 42; });
    },
};

TEST_CASE("after every kind of failure the same worker runs the next task") {
    std::atomic<std::uint64_t> reports{0};
    thread_pool pool({.threads = 1, .on_error = [&](const faf::error_report&) { ++reports; }});
    std::atomic<std::thread::id> worker;
    fire_and_forget(pool, [&] { worker = std::this_thread::get_id(); });
    REQUIRE(pool.drain(patience));
    std::size_t kind = 0;
    for (const failing_task fail : failing_tasks) {
        CAPTURE(kind++);
        for (int i = 0; i < load(100, 20); ++i) {
            const std::uint64_t before = reports;
            const std::uint64_t failed_before = pool.snapshot().failed;
            fail(pool);
            REQUIRE(pool.drain(patience));
            REQUIRE(reports > before);
            REQUIRE(pool.snapshot().failed == failed_before + 1);
            std::atomic<std::thread::id> next;
            fire_and_forget(pool, [&] { next = std::this_thread::get_id(); });
            REQUIRE(pool.drain(patience));
            REQUIRE(next.load() == worker.load());
        }
    }
    CHECK(pool.snapshot().threads == 1);
}

/// Fires two more of its kind until `depth` is used up.
struct fan_out {
    thread_pool* pool;
    std::atomic<std::uint64_t>* runs;
    int depth;
    void operator()() const {
        runs->fetch_add(1, std::memory_order_relaxed);
        if (depth > 0) {
            for (int i = 0; i < 2; ++i) {
                fire_and_forget(*pool, fan_out{pool, runs, depth - 1});
            }
        }
    }
};

TEST_CASE("tasks that fire tasks from several threads all run, and drain sees the last") {
    constexpr int depth = load(14, 9);
    for (int round = 0; round < 5; ++round) {
        thread_pool pool({.threads = 3, .max_threads = 3});
        std::atomic<std::uint64_t> runs{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] { fire_and_forget(pool, fan_out{&pool, &runs, depth}); });
        }
        for (std::thread& one : threads) {
            one.join();
        }
        CHECK(pool.drain(patience));
        CHECK(runs == 4 * ((1U << (depth + 1)) - 1));
    }
}

TEST_CASE("a failing task that fires itself again from its sink goes on until it stops") {
    thread_pool pool({.threads = 2, .max_threads = 2});
    struct again {
        thread_pool* pool;
        std::atomic<int>* left;
        void operator()() const {
            if (--*left > 0) {
                throw std::runtime_error("again");
            }
        }
    };
    std::atomic<int> left{load(20'000, 1'000)};
    std::function<void()> fire = [&] {
        fire_and_forget(pool, {.on_error = [&](const faf::error_report&) { fire(); }},
                        again{&pool, &left});
    };
    fire();
    CHECK(eventually([&] { return left == 0; }));
    CHECK(pool.drain(patience));
}

TEST_CASE("a pool may be destroyed from inside its own task, and its queue still runs") {
    for (int round = 0; round < load(500, 100); ++round) {
        CAPTURE(round);
        auto runs = std::make_shared<std::atomic<int>>(0);
        auto is_destroyed = std::make_shared<std::atomic<bool>>(false);
        auto may_go = std::make_shared<std::atomic<bool>>(false);
        auto* pool = new thread_pool({.threads = 1 + static_cast<unsigned>(round % 3)});
        fire_and_forget(*pool, [pool, is_destroyed, may_go] {
            may_go->wait(false);
            delete pool;
            *is_destroyed = true;
        });
        for (int i = 0; i < 50; ++i) {
            fire_and_forget(*pool, [runs] { ++*runs; });
        }
        *may_go = true;
        may_go->notify_all();
        REQUIRE(eventually([&] { return *is_destroyed && *runs == 50; }));
    }
}

TEST_CASE("a task may make, use and destroy pools of its own") {
    thread_pool outer({.threads = 3, .max_threads = 3});
    std::atomic<int> runs{0};
    for (int i = 0; i < load(300, 50); ++i) {
        fire_and_forget(outer, [&] {
            thread_pool inner({.threads = 2, .max_threads = 2, .exit_timeout = patience});
            for (int n = 0; n < 20; ++n) {
                fire_and_forget(inner, [&] { ++runs; });
            }
        });
    }
    CHECK(outer.drain(patience));
    CHECK(runs == 20 * load(300, 50));
}

TEST_CASE("thousands of pools come and go") {
    std::atomic<int> runs{0};
    constexpr int pools = load(5'000, 500);
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < pools / 2; ++i) {
                thread_pool pool(
                    {.threads = 1 + static_cast<unsigned>(i % 3), .exit_timeout = patience});
                for (int n = 0; n < i % 5; ++n) {
                    fire_and_forget(pool, [&] { ++runs; });
                }
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(runs == pools / 2 * 2 * 2); // 0, 1, 2, 3 and 4 in turn are 2 on average
}

TEST_CASE("a storm of own threads is drained") {
    for (int round = 0; round < load(20, 4); ++round) {
        CAPTURE(round);
        const faf::stats before = faf::snapshot();
        std::atomic<int> runs{0};
        std::atomic<std::uint64_t> reports{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 50; ++i) {
                    fire_and_forget(faf::own_thread,
                                    {.on_error = [&](const faf::error_report&) { ++reports; }},
                                    [&, i] {
                                        ++runs;
                                        if (i % 10 == 0) {
                                            throw 1;
                                        }
                                    });
                }
            });
        }
        for (std::thread& one : threads) {
            one.join();
        }
        CHECK(faf::drain(patience));
        const faf::stats after = faf::snapshot();
        CHECK(runs == 200);
        CHECK(reports == 20);
        CHECK(after.accepted - before.accepted == 200);
        CHECK(after.failed - before.failed == 20);
        CHECK(after.succeeded - before.succeeded == 180);
        CHECK(after.running == 0);
    }
}

TEST_CASE("tasks go to and fro between the default pool and threads of their own") {
    struct ping {
        std::atomic<int>* runs;
        int left;
        void operator()() const {
            ++*runs;
            if (left > 0 && left % 2 == 0) {
                fire_and_forget(faf::own_thread, ping{runs, left - 1});
            } else if (left > 0) {
                fire_and_forget(ping{runs, left - 1});
            }
        }
    };
    for (int round = 0; round < load(50, 10); ++round) {
        std::atomic<int> runs{0};
        for (int i = 0; i < 8; ++i) {
            fire_and_forget(ping{&runs, 20});
        }
        CHECK(faf::drain(patience));
        CHECK(runs == 8 * 21);
    }
}

TEST_CASE("drain is not fooled by a task that passes from pool to thread behind its back") {
    for (int round = 0; round < load(200, 30); ++round) {
        CAPTURE(round);
        std::atomic<bool> is_last_done{false};
        std::atomic<int> fooled{0};
        const auto last = [&] {
            std::this_thread::sleep_for(2ms);
            is_last_done = true;
        };
        const auto middle = [&] { // waits until no thread of its own is left but this
            while (faf::snapshot().running > 1) {
                std::this_thread::yield();
            }
            fire_and_forget(faf::own_thread, last);
        };
        fire_and_forget(faf::own_thread, [&] {
            std::this_thread::sleep_for(1ms);
            fire_and_forget(middle);
        });
        // With many who wait, some wake late.
        std::vector<std::thread> waiting;
        for (int i = 0; i < 8; ++i) {
            waiting.emplace_back([&] {
                const bool is_drained = faf::drain(patience);
                fooled += is_drained && is_last_done ? 0 : 1;
            });
        }
        for (std::thread& one : waiting) {
            one.join();
        }
        CHECK(fooled == 0);
        CHECK(eventually([&] { return is_last_done.load(); }));
        CHECK(faf::drain(patience));
    }
}

TEST_CASE("the tasks of one thread start in the order in which they were fired") {
    thread_pool pool({.threads = 1});
    constexpr int count = load(20'000, 2'000);
    struct thread_order {
        int next = 0;
        int wrong = 0;
    };
    std::array<thread_order, 4> seen; // written by the one worker only
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < seen.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < count; ++i) {
                fire_and_forget(pool, [&, t, i] { seen[t].wrong += seen[t].next++ == i ? 0 : 1; });
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    REQUIRE(pool.drain(patience));
    for (const thread_order& one : seen) {
        CHECK(one.next == count);
        CHECK(one.wrong == 0);
    }
}

TEST_CASE("idle workers wake for every task") {
    // One task at a time: each finds all workers asleep or about to be.
    thread_pool pool({.threads = 2, .max_threads = 2});
    for (int i = 0; i < load(20'000, 2'000); ++i) {
        std::atomic<bool> has_run{false};
        fire_and_forget(pool, [&] { has_run = true; });
        if (i % 2 == 0) {
            REQUIRE(eventually([&] { return has_run.load(); }));
        }
        REQUIRE(pool.drain(patience));
    }
}

TEST_CASE("thousands of short-lived threads fire one task each") {
    std::atomic<int> runs{0};
    thread_pool pool({.threads = 2, .max_threads = 2});
    for (int i = 0; i < load(5'000, 500); ++i) {
        std::thread([&] { fire_and_forget(pool, [&] { ++runs; }); }).join();
    }
    CHECK(pool.drain(patience));
    CHECK(runs == load(5'000, 500));
}

} // namespace
