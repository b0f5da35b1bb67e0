// SPDX-License-Identifier: MIT
// Everything at once, for long: threads that stay and threads that come and go fire tasks of all
// kinds at the default pool, at threads of their own and at pools that are made, filled, drained,
// shut down and destroyed meanwhile, under sinks that throw, dawdle and are replaced. In the end
// every account balances to the last task, and memory has not grown.
//
// FAF_SOAK_SECONDS says how long; `ctest -C soak` runs it for five minutes.

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/coroutine.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

namespace {

using namespace faf_test;
using faf::failure;
using faf::fire_and_forget;

// A thread that ends in a task is too much for sanitizers and for LLVM's run-time library, see
// faults/thread_ended_by_task.cpp.
#if defined(_LIBCPP_VERSION)
constexpr bool may_end_threads = false;
#else
constexpr bool may_end_threads = !is_sanitized;
#endif

std::chrono::seconds time_to_soak() {
    const char* const given = std::getenv("FAF_SOAK_SECONDS");
    return std::chrono::seconds(given != nullptr ? std::atoi(given) : 5);
}

/// Megabytes that this process holds in memory.
long resident() {
    long total = 0;
    long pages = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &total, &pages) != 2) {
            pages = 0;
        }
        std::fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024) / 1024;
}

/// What was fired, what became of it, and what was heard of it.
struct accounts {
    using counter = std::atomic<std::uint64_t>;

    counter made{0}; ///< closures and sinks
    counter gone{0};
    counter accepted{0}; ///< but for those that repeat
    counter refused{0};
    counter ended{0}; ///< of the accepted, in whatever way
    counter threw{0};
    counter ended_threads{0};
    std::array<counter, 10> heard{};
    counter heard_of_running{0}; ///< abandoned while they ran: these end as well

    void hear(const faf::error_report& report) {
        const std::uint64_t tasks = 1 + report.suppressed;
        heard[static_cast<std::size_t>(report.kind)] += tasks;
        const bool still_ran = report.what.find("still running") != report.what.npos;
        heard_of_running += report.kind == failure::abandoned && still_ran ? tasks : 0;
    }
    std::uint64_t heard_as(failure kind) const { return heard[static_cast<std::size_t>(kind)]; }

    /// What was accepted and never came to its end, by the reports.
    std::uint64_t dropped() const {
        return heard_as(failure::cancelled) + heard_as(failure::expired) +
               heard_as(failure::displaced) + heard_as(failure::abandoned) - heard_of_running;
    }

    void count(faf::submission answer) { ++(answer ? accepted : refused); }
};
accounts books;

/// Counts a closure's or a sink's life.
struct life {
    life() { ++books.made; }
    life(const life&) { ++books.made; }
    life& operator=(const life&) = default;
    ~life() { ++books.gone; }
};

enum class temper : std::uint8_t { calm, slow, throws };

faf::error_sink sink(temper what) {
    return {[what, its = life(), load = std::array<char, 64>{}](const faf::error_report& report) {
                static_cast<void>(load);
                if (what == temper::throws && report.kind != failure::sink_failed) {
                    throw std::runtime_error("the next one is to hear it");
                }
                books.hear(report);
                if (what == temper::slow) {
                    std::this_thread::sleep_for(50us);
                }
            },
            faf::hears::cancelled_too};
}

temper any_temper(dice& random) {
    return static_cast<temper>(random.roll(3));
}

/// Runs that repeat are not counted one by one: of these only their failures are heard.
void hear_of_repeated(const faf::error_report& report) {
    if (report.kind == failure::refused) {
        books.hear(report);
    }
}

template <class Executor>
void fire_repeated(Executor& at, dice& random) {
    const faf::detail::stop_source source = faf::detail::make_stop_source();
    const faf::options how{.every = 300us,
                           .stop = source.get_token(),
                           .on_error = {hear_of_repeated, faf::hears::cancelled_too}};
    const auto runs = std::make_shared<std::atomic<int>>(0);
    const bool by_token = random.roll(2) == 0;
    const auto run = [its = life(), runs, end = source, by_token]() mutable {
        const bool is_last = ++*runs == 4;
        if (is_last && by_token) {
            end.request_stop();
        }
        return is_last && !by_token ? faf::stop_repeating : faf::keep_repeating;
    };
    if (!fire_and_forget(at, how, run)) {
        ++books.refused;
    }
}

/// Fires a few tasks of one kind.
template <class Executor>
void fire_some(Executor& at, dice& random, bool may_end_its_thread) {
    const auto ends = [its = life()] { ++books.ended; };
    const auto throws = [its = life()] {
        ++books.ended;
        ++books.threw;
        throw std::runtime_error("one of many");
    };
    switch (random.roll(14)) {
    case 0:
        return books.count(fire_and_forget(at, throws));
    case 1:
        return books.count(fire_and_forget(at, [ends, load = std::array<char, 500>{}] {
            static_cast<void>(load);
            ends();
        }));
    case 2: {
        const faf::options how{.name = "later", .after = random.roll(3000) * 1us};
        return books.count(fire_and_forget(at, how, ends));
    }
    case 3: {
        faf::detail::stop_source source = faf::detail::make_stop_source();
        books.count(fire_and_forget(at, {.after = 2ms, .stop = source.get_token()}, ends));
        if (random.roll(2) == 0) {
            source.request_stop();
        }
        return;
    }
    case 4:
        return fire_repeated(at, random);
    case 5:
        return books.count(fire_and_forget(at, [ends]() -> faf::task<> {
            co_await faf::sleep_for(200us);
            co_await faf::yield();
            ends();
        }));
    case 6: {
        const auto level = static_cast<faf::priority>(random.roll(3));
        return books.count(fire_and_forget(at, {.priority = level, .expires = 500us}, ends));
    }
    case 7:
        return books.count(fire_and_forget(at, {.on_error = sink(any_temper(random))}, throws));
    case 8:
        return books.count(fire_and_forget(at, [ends](const faf::detail::stop_token&) {
            std::this_thread::sleep_for(100us);
            ends();
        }));
    case 9:
        if (may_end_threads && may_end_its_thread && random.roll(20) == 0) {
            books.count(fire_and_forget(at, [its = life()] {
                ++books.ended;
                ++books.ended_threads;
                pthread_exit(nullptr);
            }));
        }
        return;
    default:
        for (int i = 0; i < 50; ++i) {
            books.count(fire_and_forget(at, ends));
        }
    }
}

faf::pool_options any_pool(dice& random) {
    faf::pool_options how;
    how.threads = 1 + random.roll(2);
    how.max_threads = 3;
    how.max_pending = random.roll(2) == 0 ? 8 : 0;
    how.when_full = static_cast<faf::overflow>(random.roll(4));
    how.full_wait = 1ms;
    how.wake_up = static_cast<faf::wake>(random.roll(3));
    how.exit_timeout = random.roll(2) == 0 ? 1ms : 1s;
    if (random.roll(3) == 0) {
        how.on_error = sink(any_temper(random));
    }
    return how;
}

/// One pool, from its making to its end, fired at by two threads.
void use_a_pool(dice& random) {
    const faf::pool_options how = any_pool(random);
    // A caller that runs tasks itself is none that may be ended.
    const bool may_end = how.when_full != faf::overflow::run_in_caller;
    faf::thread_pool pool(how);
    const auto fire_at_it = [&pool, may_end](dice its) {
        for (int i = 0; i < 20; ++i) {
            fire_some(pool, its, may_end);
        }
    };
    std::thread other(fire_at_it, dice(random.roll(1U << 30U)));
    fire_at_it(dice(random.roll(1U << 30U)));
    if (random.roll(2) == 0) {
        static_cast<void>(pool.drain(5ms));
    }
    if (random.roll(2) == 0) {
        static_cast<void>(pool.shutdown(random.roll(2) * 1s));
    }
    other.join();
    CHECK(adds_up(pool.snapshot()));
}

class load_on_everything {
public:
    explicit load_on_everything(unsigned seed) {
        for (unsigned i = 0; i < 3; ++i) {
            add([random = dice(seed + i)]() mutable {
                fire_some(faf::default_pool(), random, true);
                if (random.roll(10) == 0) {
                    fire_some(faf::own_thread, random, false);
                }
                if (random.roll(50) == 0) {
                    std::this_thread::sleep_for(500us);
                }
            });
        }
        add([random = dice(seed + 10)]() mutable { use_a_pool(random); });
        add([random = dice(seed + 11)]() mutable { // threads that fire once and end
            std::vector<std::thread> threads;
            for (int i = 0; i < 4; ++i) {
                threads.emplace_back([its = dice(random.roll(1U << 30U))]() mutable {
                    fire_some(faf::default_pool(), its, false);
                });
            }
            for (std::thread& one : threads) {
                one.join();
            }
            std::this_thread::sleep_for(2ms);
        });
        add([random = dice(seed + 12)]() mutable { // watches, and replaces the sink
            static_cast<void>(faf::drain(50ms));
            faf::set_error_sink(sink(random.roll(2) == 0 ? temper::calm : temper::slow));
            are_sound_ = adds_up(faf::snapshot()) && are_sound_;
            std::this_thread::sleep_for(20ms);
        });
    }
    ~load_on_everything() {
        is_over_ = true;
        for (std::thread& one : threads_) {
            one.join();
        }
    }
    load_on_everything(const load_on_everything&) = delete;
    load_on_everything& operator=(const load_on_everything&) = delete;

    static inline std::atomic<bool> are_sound_{true}; ///< the default pool's counters, at all times

private:
    template <class Step>
    void add(Step step) {
        threads_.emplace_back([this, step]() mutable {
            while (!is_over_) {
                step();
            }
        });
    }

    std::atomic<bool> is_over_{false};
    std::vector<std::thread> threads_;
};

TEST_CASE("under a mixed load with random faults every account balances, and memory stays") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    const std::chrono::seconds time = time_to_soak();
    faf::set_error_sink(sink(temper::calm));
    REQUIRE(faf::configure_default_pool({.threads = 2, .max_threads = 8, .max_pending = 20'000}));
    faf::limit_own_threads(50);
    long after_warm_up = 0;
    {
        const load_on_everything load(seed);
        std::this_thread::sleep_for(time / 5 + 1s);
        after_warm_up = resident();
        std::this_thread::sleep_for(time - time / 5);
    }
    CHECK(load_on_everything::are_sound_);
    CHECK(faf::drain(patience));
    CHECK(eventually([] { // a drain does not wait for what repeats
        const faf::stats now = faf::snapshot();
        return now.pending + now.running == 0;
    }));
    const long at_the_end = resident();
    const faf::stats counters = faf::snapshot();
    CHECK(counters.accepted == counters.succeeded + counters.failed + counters.dropped);

    // The last reports may be on their way, and the sinks in use are counted as well.
    CHECK(eventually([] { return books.heard_as(failure::refused) == books.refused; }));
    CHECK(eventually([] { return books.heard_as(failure::exception) == books.threw; }));
    CHECK(eventually([] { return books.heard_as(failure::worker_lost) == books.ended_threads; }));
    CHECK(eventually([] { return books.ended + books.dropped() == books.accepted; }));
    CHECK(faf::shutdown(patience));
    faf::set_error_sink(nullptr);
    CHECK(eventually([] { return books.made == books.gone; }));
    CHECK(books.heard_as(failure::error_result) == 0);

    std::printf("%llu tasks accepted, %llu refused; %ld MB after the start, %ld MB at the end\n",
                static_cast<unsigned long long>(books.accepted),
                static_cast<unsigned long long>(books.refused), after_warm_up, at_the_end);
    if (!is_sanitized) {
        CHECK(at_the_end <= after_warm_up + after_warm_up / 4 + 8);
    }
}

} // namespace
