// SPDX-License-Identifier: MIT
// One lane, without a pool: a thread stores, others take, with blocks of two slots and of 63.

#include "random_turns.hpp"

#include "catch.hpp"
#include "counted_memory.hpp"
#include "eventually.hpp"
#include "load.hpp"
#include "task_mix.hpp"

#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/pool/task_taker.hpp>
#include <fire_and_forget/detail/queue/lane.hpp>
#include <fire_and_forget/detail/queue/lanes.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace faf_test;
using namespace faf::detail;

/// What stands for a closure: a number, and what must arrive with it.
struct load_of_slot {
    std::uint64_t number = 0;
    std::array<std::uint64_t, 3> copies{};

    explicit load_of_slot(std::uint64_t n = 0) noexcept : number(n) { copies.fill(~n); }
    bool is_whole() const noexcept {
        return copies[0] == ~number && copies[1] == ~number && copies[2] == ~number;
    }
};
static_assert(sizeof(load_of_slot) <= 32);
constexpr task_vtable a_number{nullptr, nullptr, sizeof(load_of_slot), alignof(load_of_slot)};

/// What the takers of one lane know together. Only the one who takes, under the lane's lock, writes
/// the plain fields: if that lock is none, ThreadSanitizer sees it.
struct common_count {
    std::uint64_t next = 0;
    long out_of_order = 0;
    std::atomic<long> damaged{0};
    std::atomic<std::uint64_t> taken{0};
};

/// Takes as a worker does: tells a block of several tasks at once.
template <std::size_t Slots>
class taker {
public:
    explicit taker(common_count& common) noexcept : common_(common) {}

    static bool may_take() noexcept { return true; }
    static bool may_join(const task_vtable&) noexcept { return false; }
    std::uint32_t take(slot& from, block<Slots>& in, std::uint32_t) noexcept {
        from_ = &from;
        in_ = &in;
        std::memcpy(&load_, from.closure, sizeof load_);
        common_.out_of_order += load_.number >= common_.next ? 0 : 1; // recalled ones are missing
        common_.next = load_.number + 1;
        return 1;
    }
    void finish() noexcept {
        load_of_slot again; // nobody else has touched it since
        std::memcpy(&again, from_->closure, sizeof again);
        common_.damaged += load_.is_whole() && again.is_whole() ? 0 : 1;
        common_.damaged += again.number == load_.number ? 0 : 1;
        std::memset(from_->closure, 0x55, sizeof again);
        from_->type.store(nullptr, std::memory_order_relaxed);
        if (in_ != finished_in_) {
            flush();
            finished_in_ = in_;
        }
        ++finished_;
        ++common_.taken;
    }
    void flush() noexcept {
        if (finished_ > 0) {
            finished_in_->finish(finished_);
        }
        finished_in_ = nullptr;
        finished_ = 0;
    }

private:
    common_count& common_;
    load_of_slot load_;
    slot* from_ = nullptr;
    block<Slots>* in_ = nullptr;
    block<Slots>* finished_in_ = nullptr;
    std::uint32_t finished_ = 0;
};

/// Stores numbers in order; now and then one is buried, or recalled and stored again.
template <std::size_t Slots>
class producer {
public:
    producer(basic_lane<Slots>& lane, unsigned seed) noexcept : lane_(lane), random_(seed) {}

    std::uint64_t stored() const noexcept { return stored_; }

    void store(std::uint64_t number) {
        const std::uint32_t what = random_.roll(16);
        if (what == 0) {
            basic_lane<Slots>::bury(reserve());
        }
        slot* outer = nullptr;
        if (what == 1) { // the next one is held back by this one
            outer = &reserve();
        }
        slot& place = reserve();
        publish(place, number);
        if (outer != nullptr) {
            basic_lane<Slots>::bury(*outer);
        }
        if (what == 2 && lane_.try_recall(place)) {
            --stored_;
            if (random_.roll(2) == 0) {
                publish(place, number);
            } else {
                basic_lane<Slots>::bury(place);
            }
        }
    }

private:
    slot& reserve() {
        if (!lane_.has_room()) {
            throw std::bad_alloc();
        }
        return lane_.reserve();
    }
    void publish(slot& place, std::uint64_t number) noexcept {
        const load_of_slot full(number);
        std::memcpy(place.closure, &full, sizeof full);
        lane_.publish(place, a_number);
        ++stored_;
    }

    basic_lane<Slots>& lane_;
    dice random_;
    std::uint64_t stored_ = 0;
};

template <std::size_t Slots>
void check_lane(unsigned takers, unsigned seed) {
    CAPTURE(Slots, takers, seed);
    const long live_before = counted_memory.live();
    {
        basic_lane<Slots> lane;
        REQUIRE(lane.prepare());
        common_count common;
        std::atomic<bool> is_over{false};
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < takers; ++t) {
            threads.emplace_back([&, t] {
                taker<Slots> own(common);
                dice random(seed + t);
                while (!is_over || lane.may_have_tasks()) {
                    const bool has_one = random.roll(32) == 0 ? lane.take(own) : lane.try_take(own);
                    if (has_one) {
                        own.finish();
                    } else {
                        own.flush();
                        std::this_thread::yield();
                    }
                }
                own.flush();
            });
        }
        producer<Slots> source(lane, seed);
        constexpr std::uint64_t rounds = load(20U, 4U);
        constexpr std::uint64_t each = load(20'000U, 5'000U);
        for (std::uint64_t round = 0; round < rounds; ++round) {
            for (std::uint64_t i = 0; i < each; ++i) {
                source.store(round * each + i);
                if (round % 2 == 0 && i % 4 == 0) { // every other round the takers keep up
                    while (common.taken + 4 * Slots < source.stored()) {
                        std::this_thread::yield();
                    }
                }
            }
            CHECK(eventually([&] { return common.taken == source.stored(); }));
        }
        is_over = true;
        for (std::thread& one : threads) {
            one.join();
        }
        CHECK(common.out_of_order == 0);
        CHECK(common.damaged == 0);
        CHECK(lane.pushed() == source.stored());
        CHECK(lane.taken() == source.stored());
        CHECK_FALSE(lane.may_have_tasks());
        // The last block, the one before it if nobody has gone on from there yet, and the spares.
        threads.clear();
        threads.shrink_to_fit();
        CHECK(counted_memory.live() - live_before <= 4);
    }
    CHECK(counted_memory.live() == live_before);
}

template <std::size_t Slots>
void check_lanes() {
    const unsigned seed = new_seed();
    for (unsigned takers = 1; takers <= 4; ++takers) {
        check_lane<Slots>(takers, seed + takers);
    }
}

TEST_CASE("a lane with blocks of two slots gives each task to one taker, whole and in order") {
    check_lanes<2>();
}

TEST_CASE("a lane with blocks of sixty-three slots does so too") {
    check_lanes<63>();
}

TEST_CASE("tasks that are recalled while others take are had by one side, never by both") {
    constexpr std::uint64_t rounds = load(100'000U, 10'000U);
    basic_lane<3> lane;
    REQUIRE(lane.prepare());
    common_count common;
    std::atomic<bool> is_over{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
            taker<3> own(common);
            while (!is_over) {
                if (lane.try_take(own)) {
                    own.finish();
                    own.flush();
                } else { // the lane's lock is not fair
                    std::this_thread::yield();
                }
            }
        });
    }
    std::uint64_t recalled = 0;
    std::uint64_t i = 0;
    const auto has_seen_both = [&] { return recalled > 0 && recalled < i; };
    for (; i < rounds || (!has_seen_both() && i < 2 * rounds); ++i) {
        if (!lane.has_room()) {
            throw std::bad_alloc();
        }
        slot& place = lane.reserve();
        const load_of_slot full(i);
        std::memcpy(place.closure, &full, sizeof full);
        lane.publish(place, a_number);
        for (std::uint64_t pause = i % 64; pause > 0; --pause) {
            cpu_relax();
        }
        if (i >= rounds) { // the others have not had their turns yet
            std::this_thread::sleep_for(100us);
        } else if (i % 64 == 0) {
            std::this_thread::yield(); // there may be one processor only
        }
        if (lane.try_recall(place)) {
            ++recalled;
            std::memset(place.closure, 0x55, sizeof full);
            basic_lane<3>::bury(place);
        }
    }
    CHECK(eventually([&] { return common.taken + recalled == i; }));
    is_over = true;
    for (std::thread& one : threads) {
        one.join();
    }
    CHECK(has_seen_both());
    CHECK(common.damaged == 0);
    CHECK(common.out_of_order == 0);
    CHECK(lane.pushed() == i - recalled);
    CHECK(lane.taken() == lane.pushed());
}

/// What a worker has of a task that it took.
struct taken_task {
    slot* from = nullptr;
    block<2>* in = nullptr;

    static bool may_take() noexcept { return true; }
    static bool may_join(const task_vtable&) noexcept { return false; }
    std::uint32_t take(slot& its, block<2>& of, std::uint32_t) noexcept {
        from = &its;
        in = &of;
        return 1;
    }
};

/// To be written with plain stores: GCC lets ThreadSanitizer not know of a memcpy that it inlines.
std::uint64_t& number_in(slot& place) {
    return *static_cast<std::uint64_t*>(static_cast<void*>(place.closure));
}

/// The tasks' order is kept without ordering what they do: ThreadSanitizer then sees whether the
/// block orders it.
TEST_CASE("what a worker has done in a block is over when the owner uses it again") {
    basic_lane<2> lane;
    REQUIRE(lane.prepare());
    std::uint64_t stored = 0;
    const auto store = [&]() -> slot* {
        if (!lane.has_room()) {
            throw std::bad_alloc();
        }
        slot& place = lane.reserve();
        number_in(place) = ++stored;
        lane.publish(place, a_number);
        return &place;
    };
    slot* const first = store();
    store();
    store();
    std::atomic<int> step{0};
    const auto wait_for = [&step](int wanted) {
        while (step.load(std::memory_order_relaxed) != wanted) {
            std::this_thread::yield();
        }
    };
    const auto go_on = [&step] { step.fetch_add(1, std::memory_order_relaxed); };
    std::thread early([&] {
        taken_task own;
        lane.take(own);
        go_on();
        wait_for(2);
        number_in(*own.from) = 0;
        own.from->type.store(nullptr, std::memory_order_relaxed);
        own.in->finish(1);
        go_on();
    });
    std::thread late([&] {
        wait_for(1);
        taken_task own;
        lane.take(own);
        taken_task next;
        lane.take(next); // now the taking side has left the block
        own.from->type.store(nullptr, std::memory_order_relaxed);
        go_on();
        wait_for(3);
        own.in->finish(1);
        go_on();
    });
    wait_for(4);
    store();
    CHECK(store() == first);
    early.join();
    late.join();
}

/// For `while_releasing`, which is told nothing.
const task_taker* watched = nullptr;
int released = 0;
int released_at_a_task = 0;

TEST_CASE("who gives the memory of a block back is at no task meanwhile") {
    static constexpr task_vtable nothing{};
    lane_set& lanes = *new lane_set;
    pool_lane& lane = *lanes.lend(faf::priority::normal);
    claim its;
    task_taker taker(its);
    for (std::size_t i = 0; i < 5 * slots_per_block; ++i) { // two blocks are kept
        REQUIRE(lane.has_room());
        lane.publish(lane.reserve(), nothing);
    }
    watched = &taker;
    counted_memory.while_releasing = [] {
        ++released;
        released_at_a_task += watched->is_at_a_task() ? 1 : 0;
    };
    while (lane.take(taker)) {
        taker.finish_slot();
        released_at_a_task += taker.is_at_a_task() ? 0 : 1;
        static_cast<void>(taker.end());
    }
    taker.flush();
    counted_memory.while_releasing = nullptr;
    CHECK(released >= 2);
    CHECK(released_at_a_task == 0);
    lanes.release();
}

} // namespace
