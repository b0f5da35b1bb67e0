// SPDX-License-Identifier: MIT
// The tree of Skynet: each task fires ten more, down to the leaves, whose numbers are added up on
// the way back. What does a leaf cost, and how much memory do those take that wait?

#include "ask.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <sys/resource.h>

#if defined(BENCH_HAS_TBB)
#include <oneapi/tbb/task_group.h>
#endif

namespace {

using namespace faf_bench;

constexpr std::size_t children = 10;

/// Where the numbers of ten children come together; the last one goes on to the parent's.
struct joint {
    joint* up;
    std::size_t place;
    std::atomic<std::size_t> missing{children};
    std::array<std::int64_t, children> numbers{};

    static std::int64_t sum_of(const std::array<std::int64_t, children>& numbers) {
        std::int64_t sum = 0;
        for (const std::int64_t number : numbers) {
            sum += number;
        }
        return sum;
    }
};

template <class Peer>
class tree {
public:
    std::int64_t grow(std::int64_t leaves) {
        is_done_ = false;
        peer_.submit([this, leaves] { grow(nullptr, 0, 0, leaves); });
        is_done_.wait(false);
        return sum_;
    }

    std::size_t threads() const requires can_grow<Peer> { return peer_.threads(); }

private:
    void grow(joint* up, std::size_t place, std::int64_t first, std::int64_t leaves) {
        if (leaves == 1) {
            deliver(up, place, first);
            return;
        }
        auto* const here = new joint{up, place};
        const std::int64_t each = leaves / static_cast<std::int64_t>(children);
        for (std::size_t i = 0; i < children; ++i) {
            const std::int64_t begin = first + static_cast<std::int64_t>(i) * each;
            peer_.submit([this, here, i, begin, each] { grow(here, i, begin, each); });
        }
    }

    void deliver(joint* to, std::size_t place, std::int64_t number) {
        while (to != nullptr) {
            to->numbers[place] = number;
            if (to->missing.fetch_sub(1, std::memory_order_acq_rel) != 1) {
                return;
            }
            number = joint::sum_of(to->numbers);
            place = to->place;
            delete std::exchange(to, to->up);
        }
        sum_ = number;
        is_done_ = true;
        is_done_.notify_one();
    }

    Peer peer_;
    std::int64_t sum_ = 0;
    std::atomic<bool> is_done_{false};
};

#if defined(BENCH_HAS_TBB)
/// As its users write it: each task waits for its children, and runs them meanwhile.
struct tbb_task_groups {
    static constexpr const char* name = "oneTBB/task_group";
};

template <>
class tree<tbb_task_groups> {
public:
    std::int64_t grow(std::int64_t leaves) { return grow(0, leaves); }

private:
    static std::int64_t grow(std::int64_t first, std::int64_t leaves) {
        if (leaves == 1) {
            return first;
        }
        const std::int64_t each = leaves / static_cast<std::int64_t>(children);
        std::array<std::int64_t, children> numbers{};
        tbb::task_group group;
        for (std::size_t i = 0; i < children; ++i) {
            const std::int64_t begin = first + static_cast<std::int64_t>(i) * each;
            group.run([&numbers, i, begin, each] { numbers[i] = grow(begin, each); });
        }
        group.wait();
        return joint::sum_of(numbers);
    }

    tbb::global_control threads_{tbb::global_control::max_allowed_parallelism, pool_workers};
};
#endif

struct recursion {
    static constexpr const char* name = "recursion";
    static constexpr auto asked = the_library + peers<library_pool<newest_first>>() +
#if defined(BENCH_HAS_TBB)
                                  peers<tbb_task_groups>() +
#endif
                                  best_pools;

    template <class Peer>
    static void measure(const settings& how, const answer& tell) {
        const std::int64_t leaves = how.is_quick ? 100'000 : 10'000'000;
        tree<Peer> one;
        one.grow(leaves / 1'000); // warm-up
        const auto begin = std::chrono::steady_clock::now();
        const std::int64_t sum = one.grow(leaves);
        const double total = seconds_since(begin);
        if (sum != leaves * (leaves - 1) / 2) {
            std::fprintf(stderr, "%s: the sum is wrong\n", Peer::name);
            return;
        }
        rusage use{};
        ::getrusage(RUSAGE_SELF, &use);
        tell("total_per_leaf", 1e9 * total / static_cast<double>(leaves), "ns");
        tell_threads(tell, one);
        tell("most_memory", static_cast<double>(use.ru_maxrss) * 1024 / 1e6,
             "MB"); // of the process
    }
};

} // namespace

int main(int argc, char** argv) {
    return faf_bench::ask<recursion>(argc, argv);
}
