// SPDX-License-Identifier: MIT
// A claim by itself: its owner begins and ends tasks while others withdraw them and one gives them
// up, with threads that lose their turns at the worst points.

#include "random_turns.hpp"

#include "catch.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using namespace faf::detail;

/// Which task is in a slot. Plain memory: if two have the slot, ThreadSanitizer sees it.
void set_number(slot& in, std::uint64_t number) {
    std::memcpy(in.closure, &number, sizeof number);
}
std::uint64_t take_number(slot& in) {
    std::uint64_t number = 0;
    std::memcpy(&number, in.closure, sizeof number);
    set_number(in, ~number);
    return number;
}

/// What became of each task.
class books {
public:
    explicit books(std::size_t tasks) : begun_(tasks), counted_(tasks) {}

    void begin(std::uint64_t number) { begun_.at(number).fetch_add(1, std::memory_order_relaxed); }
    void count(std::uint64_t number) {
        counted_.at(number).fetch_add(1, std::memory_order_relaxed);
    }
    bool all_once(std::uint64_t tasks) const {
        for (std::uint64_t i = 0; i < tasks; ++i) {
            if (begun_[i] != 1 || counted_[i] != 1) {
                UNSCOPED_INFO("task " << i << " begun " << begun_[i] << " counted " << counted_[i]);
                return false;
            }
        }
        return true;
    }

private:
    std::vector<std::atomic<int>> begun_;
    std::vector<std::atomic<int>> counted_;
};

/// Claims runs of tasks until there are no more, and runs what is left to it.
class owner {
public:
    owner(claim& own, books& all) : own_(own), all_(all) {}

    void claim_run(std::uint32_t count) {
        slot* const first = &slots_[used_];
        used_ = (used_ + run_length::most) % (slots_.size() - run_length::most);
        if (count > 1 && !own_.try_lock()) {
            count = 1;
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            set_number(first[i], next_++);
        }
        own_.describe(faf::call_site::current(), nullptr);
        own_.put({first, nullptr, count}, claim::counted::here);
        if (count > 1) {
            own_.unlock();
        }
        run(*first);
    }
    std::uint64_t claimed() const noexcept { return next_; }

    /// For who has given up what the owner runs: which task that is. The owner goes on then.
    std::uint64_t let_on() {
        std::uint64_t held = none;
        while ((held = held_.exchange(none)) == none) {
            std::this_thread::yield();
        }
        return held;
    }

private:
    static constexpr auto none = ~std::uint64_t{0};

    /// Runs what is begun and all behind it: now and then it ends a task before it begins the next.
    void run(slot& first) {
        std::uint64_t number = begin(first);
        std::uint64_t next_number = none;
        const auto end = [&](bool ends_here) { count(number, ends_here); };
        const auto begin_next = [&](slot& next) { next_number = begin(next); };
        for (bool has_next = true; has_next; number = next_number) {
            stress_point();
            if (own_.has_more() && number % 8 != 0) {
                has_next = own_.go_on(end, begin_next);
            } else {
                end(own_.end());
                has_next = own_.begin_next(begin_next);
            }
        }
    }

    std::uint64_t begin(slot& one) {
        const std::uint64_t number = take_number(one);
        all_.begin(number);
        return number;
    }

    void count(std::uint64_t number, bool ends_here) {
        if (ends_here) {
            all_.count(number);
            return;
        }
        held_ = number; // as a worker waits for the lock of its pool
        while (held_ != none) {
            std::this_thread::yield();
        }
    }

    claim& own_;
    books& all_;
    std::vector<slot> slots_ = std::vector<slot>(64 * run_length::most);
    std::size_t used_ = 0;
    std::uint64_t next_ = 0;
    std::atomic<std::uint64_t> held_{none};
};

TEST_CASE("each task of a claim is begun by one and counted by one") {
    const unsigned seed = new_seed();
    CAPTURE(seed);
    constexpr std::uint64_t tasks = load(3'000'000U, 300'000U);
    asymmetric_barrier::prepare();
    books all(2 * tasks + run_length::most);
    claim own;
    owner its(own, all);
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> withdrawn{0};
    std::atomic<std::uint64_t> given_up{0};
    const auto withdraw = [&] {
        while (!is_over) {
            if (own.has_unbegun() && own.try_lock()) {
                const slot_run left = own.withdraw();
                for (std::uint32_t i = 0; i < left.count; ++i) {
                    const std::uint64_t number = take_number(left.first[i]);
                    all.begin(number);
                    all.count(number);
                }
                withdrawn += left.count;
                own.unlock();
            }
            std::this_thread::yield();
        }
    };
    const auto give_up = [&] {
        while (!is_over) {
            if (own.give_up() == claim::given_up::task) {
                const bool is_next_as_well =
                    ++given_up % 64 == 0 && own.give_up() == claim::given_up::task;
                all.count(its.let_on());
                if (is_next_as_well) {
                    all.count(its.let_on());
                }
            }
            std::this_thread::yield();
        }
    };
    std::vector<std::thread> others;
    others.emplace_back(withdraw);
    others.emplace_back(withdraw);
    others.emplace_back(give_up);
    dice random(seed);
    const auto has_seen_both = [&] { return withdrawn > 0 && given_up > 0; };
    while (its.claimed() < tasks || (its.claimed() < 2 * tasks && !has_seen_both())) {
        its.claim_run(1 + random.roll(run_length::most));
        if (its.claimed() > tasks) { // the others have not had their turns yet
            std::this_thread::sleep_for(100us);
        }
    }
    is_over = true;
    for (std::thread& one : others) {
        one.join();
    }
    CHECK(all.all_once(its.claimed()));
    CHECK(has_seen_both());
}

} // namespace
