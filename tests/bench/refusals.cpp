// SPDX-License-Identifier: MIT
// What does a call cost that is refused because the queue is full, against one that is accepted?
// The workers are held, as many tasks are accepted as there is room for, and as many more are
// refused.
// The library's refusals are heard by the global sink, by the pool's own, or asked to be quiet.
// 64 calls are timed as one (row_), and each alone, which shows the worst case.

#include "ask.hpp"
#include "bounded_queues.hpp"
#include "gate.hpp"
#include "percentiles.hpp"
#include "tally.hpp"
#include "ticks.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace faf_bench;

constexpr std::size_t room = 16 * 1024;

std::uint64_t reports = 0; ///< of the one thread that is refused

void hear(const faf::error_report&) {
    ++reports;
}

struct heard_globally {
    static constexpr const char* name = "fire_and_forget";
    static constexpr std::uint64_t reports_per_refusal = 1;
    static faf::pool_options options() {
        faf::set_error_sink(&hear);
        return {.threads = pool_workers, .fixed = true, .max_pending = room};
    }
};

struct heard_by_the_pool {
    static constexpr const char* name = "fire_and_forget/own_sink";
    static constexpr std::uint64_t reports_per_refusal = 1;
    static faf::pool_options options() {
        return {.threads = pool_workers, .fixed = true, .max_pending = room, .on_error = &hear};
    }
};

struct quiet {
    static constexpr const char* name = "fire_and_forget/quiet";
    static constexpr std::uint64_t reports_per_refusal = 0;
    static faf::pool_options options() {
        return {.threads = pool_workers,
                .fixed = true,
                .max_pending = room,
                .refusals = faf::refusals::quiet};
    }
};

template <class Kind>
class library {
public:
    static constexpr const char* name = Kind::name;
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;
    static constexpr std::uint64_t reports_per_refusal = Kind::reports_per_refusal;

    template <class Fn>
    bool submit(Fn fn) {
        return static_cast<bool>(faf::fire_and_forget(pool_, std::move(fn)));
    }

private:
    faf::thread_pool pool_{Kind::options()};
};

/// A bounded queue, and threads that run what comes out of it.
template <class Queue>
class consumers {
public:
    static constexpr const char* name = Queue::name;
    static constexpr unsigned workers = pool_workers;
    static constexpr bool has_thread_per_task = false;
    static constexpr std::uint64_t reports_per_refusal = 0;

    consumers() {
        for (std::thread& thread : threads_) {
            thread = std::thread([this] {
                while (const item next = queue_.pop()) {
                    next();
                }
            });
        }
    }
    ~consumers() {
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            queue_.try_push(nullptr);
        }
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }
    consumers(const consumers&) = delete;
    consumers& operator=(const consumers&) = delete;

    template <class Fn>
    bool submit(Fn fn) {
        return queue_.try_push(std::move(fn));
    }

private:
    Queue queue_;
    std::array<std::thread, pool_workers> threads_;
};

struct refusals {
    static constexpr const char* name = "refusals";
    static constexpr auto asked = peers<library<heard_globally>, library<heard_by_the_pool>,
                                        library<quiet>, consumers<bounded_deque<room>>>{}
#if defined(BENCH_HAS_TBB)
                                  + peers<consumers<bounded_tbb_queue<room>>>{}
#endif
#if defined(BENCH_HAS_MOODYCAMEL)
                                  + peers<consumers<bounded_moodycamel_queue<room>>>{}
#endif
                                  + go;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const tick_scale scale = tick_scale::measure();
        const std::size_t rounds = how.is_quick ? 2 : 40;
        Peer peer;
        for (const std::size_t row : {std::size_t{row_length}, std::size_t{1}}) {
            costs warm_up;
            take_round(peer, row, warm_up);
            costs cost;
            for (std::size_t round = 0; round < rounds; ++round) {
                take_round(peer, row, cost);
            }
            if (row == 1) {
                tell_percentiles(tell, "accepted_", cost.accepted, scale);
                tell_percentiles(tell, "refused_", cost.refused, scale);
                tell_timer(tell, scale);
                tell("samples", cost.refused.size(), "calls");
            } else {
                const double accepted = rank_ns(cost.accepted, 0.5, scale) / row_length;
                const double refused = rank_ns(cost.refused, 0.5, scale) / row_length;
                tell("row_accepted", accepted, "ns");
                tell("row_refused", refused, "ns");
                tell("refused_to_accepted", refused / accepted, "times");
            }
        }
    }

private:
    static constexpr std::size_t row_length = 64;

    struct costs {
        std::vector<ticks> accepted;
        std::vector<ticks> refused;
    };

    static void check(bool is_so, const char* otherwise) {
        if (!is_so) {
            std::fprintf(stderr, "%s\n", otherwise);
            std::exit(1);
        }
    }

    template <class Peer>
    static void take_round(Peer& peer, std::size_t row, costs& cost) {
        const std::uint64_t before = tally();
        const std::uint64_t reports_before = reports;
        gate held(peer);
        for (std::vector<ticks>* const into : {&cost.accepted, &cost.refused}) {
            const bool is_to_be = into == &cost.accepted;
            for (std::size_t i = 0; i < room; i += row) {
                bool is_right = true;
                const ticks begin = ticks_before();
                for (std::size_t call = 0; call < row; ++call) {
                    is_right &= peer.submit(work{}) == is_to_be;
                }
                into->push_back(ticks_after() - begin);
                check(is_right, is_to_be ? "a task was refused" : "a task was accepted");
            }
        }
        check(reports - reports_before == Peer::reports_per_refusal * room, "reports are missing");
        held.open();
        await_asleep(before + room);
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<refusals>(argc, argv);
}
