// SPDX-License-Identifier: MIT
// A program's own operator new and delete that fire tasks, as a profiler of memory does. A call
// that they make inside of the library's may be refused; none may wait for a lock that its thread
// has.

#include "child.hpp"
#include "eventually.hpp"
#include "replaced_new.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace faf_test {
namespace {

std::atomic<void (*)()> fire_something{nullptr};
thread_local bool is_firing = false;

void note_memory() noexcept {
    if (void (*const fire)() = fire_something.load(); fire != nullptr && !is_firing) {
        is_firing = true;
        fire();
        is_firing = false;
    }
}

} // namespace

inline void* new_memory(std::size_t size, std::size_t alignment) noexcept {
    note_memory();
    return allocate_from_system(size, alignment);
}

inline void delete_memory(void* memory) noexcept {
    if (memory != nullptr) {
        note_memory();
        release_to_system(memory);
    }
}

} // namespace faf_test

namespace {

using namespace faf_test;
using faf::fire_and_forget;

constexpr std::size_t per_block = faf::detail::slots_per_block;
constexpr std::size_t many = 6 * per_block;

faf::thread_pool* pool_of_hook = nullptr;

void fire_many() {
    for (std::size_t i = 0; i < many; ++i) {
        fire_and_forget(*pool_of_hook, [] {});
    }
}

/// A worker is done with all tasks of a block, and has been elsewhere since, before it moves on to
/// the next: then it gives the memory of that one back, for two others are kept already. The pool
/// is full, so that what waits longest in that lane would have to go.
const child displacing("displacing", [](ledger& book) {
    faf::set_error_sink(book.counting_sink());
    faf::thread_pool pool(
        {.threads = 1, .max_pending = many, .when_full = faf::overflow::drop_oldest});
    pool_of_hook = &pool;
    pool.pause();
    for (std::size_t i = 1; i <= many; ++i) {
        fire_and_forget(pool, [&pool, is_at_end = i == 4 * per_block] {
            if (is_at_end) {
                fire_and_forget(pool, {.priority = faf::priority::high},
                                [] { fire_something = fire_many; });
            }
        });
    }
    pool.resume();
    CHECK(eventually([&] { return pool.snapshot().refused > 0; })); // it was inside
    fire_something = nullptr;
    CHECK(pool.drain(patience));
    const faf::stats seen = pool.snapshot();
    CHECK(seen.accepted == seen.succeeded + seen.dropped);
});

/// Takes one task and is done with it.
struct quick_taker {
    static bool may_take() noexcept { return true; }
    static bool may_join(const faf::detail::task_vtable&) noexcept { return false; }
    template <class Block>
    static std::uint32_t take(faf::detail::slot& from, Block& in, std::uint32_t) noexcept {
        from.empty();
        in.finish(1);
        return 1;
    }
};

faf::detail::basic_lane<2>* lane_of_hook = nullptr;
int looks = 0;
int looks_in_vain = 0;

void look_into_lane() {
    ++looks;
    looks_in_vain += lane_of_hook->has_task_at_hand() ? 0 : 1;
}

} // namespace

TEST_CASE("an operator delete that is given a block finds the lane of that unlocked") {
    static constexpr faf::detail::task_vtable nothing{};
    faf::detail::basic_lane<2> lane;
    REQUIRE(lane.prepare());
    lane_of_hook = &lane;
    constexpr int tasks = 12;
    for (int i = 0; i < tasks; ++i) {
        REQUIRE(lane.has_room());
        lane.publish(lane.reserve(), nothing);
    }
    quick_taker taker;
    fire_something = look_into_lane;
    for (int i = 0; i < tasks - 1; ++i) {
        REQUIRE(lane.try_take(taker) == 1);
    }
    fire_something = nullptr;
    CHECK(looks > 0);
    CHECK(looks_in_vain == 0);
    CHECK(lane.try_take(taker) == 1);
}

TEST_CASE(
    "an operator delete that fires at a pool which is full does not wait for its own worker") {
    check_exit(run(displacing));
}
