// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/coroutine/frame_pool.hpp>
#include <fire_and_forget/detail/engine.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

using faf::detail::frame_pool;
using faf::detail::frame_sizes;

namespace {

constexpr std::size_t some_size = 200;

std::vector<void*> allocate_many(std::size_t count) {
    std::vector<void*> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(frame_pool::allocate(some_size));
    }
    return all;
}
void release_all(const std::vector<void*>& all) {
    for (void* one : all) {
        frame_pool::release(one, some_size);
    }
}

} // namespace

static_assert(frame_sizes::size_of(frame_sizes::class_of(24)) == 24);
static_assert(frame_sizes::size_of(frame_sizes::class_of(25)) == 40);
static_assert(frame_sizes::class_of(frame_sizes::largest) == frame_sizes::classes - 1);

TEST_CASE("a frame's class holds it, and wastes less than sixteen bytes") {
    for (std::size_t size = 16; size <= frame_sizes::largest; ++size) {
        const std::size_t given = frame_sizes::size_of(frame_sizes::class_of(size));
        REQUIRE(given >= size);
        REQUIRE(given - size < 16);
    }
}

TEST_CASE("a frame is aligned for what new makes, whatever its size") {
    for (const std::size_t size : {24U, 100U, 1'000U, 5'000U}) {
        void* const memory = frame_pool::allocate(size);
        CHECK(reinterpret_cast<std::uintptr_t>(memory) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
        frame_pool::release(memory, size);
    }
}

TEST_CASE("the frame released last is the next one given out") {
    if (!frame_pool::is_recycling) {
        return;
    }
    void* const first = frame_pool::allocate(some_size);
    frame_pool::release(first, some_size);
    void* const second = frame_pool::allocate(some_size - 1);
    CHECK(second == first);
    frame_pool::release(second, some_size - 1);
}

TEST_CASE("frames that end on another thread come back from there") {
    if (!frame_pool::is_recycling) {
        return;
    }
    constexpr std::size_t many = 4 * frame_sizes::batch;
    std::set<void*> seen;
    std::vector<void*> made;
    std::thread([&] { made = allocate_many(many); }).join();
    seen.insert(made.begin(), made.end());
    std::thread([&] { release_all(made); }).join();
    std::size_t known = 0;
    std::thread([&] {
        const std::vector<void*> again = allocate_many(many);
        for (void* one : again) {
            known += seen.count(one);
        }
        release_all(again);
    }).join();
    CHECK(known >= many - frame_sizes::batch);
}

TEST_CASE("more frames than the pool keeps go back to where they came from") {
    constexpr std::size_t too_many = 2 * frame_sizes::depot_bytes / some_size;
    const std::vector<void*> all = allocate_many(too_many);
    const std::set<void*> different(all.begin(), all.end());
    CHECK(different.size() == too_many);
    release_all(all);
}
