// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/process.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_end.hpp"
#include "frame_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void kept_frames::push(void* memory) noexcept {
    auto* const kept = ::new (memory) kept_frame;
    kept->next = std::exchange(first, kept);
    ++count;
}

FIRE_AND_FORGET_ENGINE void* kept_frames::pop() noexcept {
    --count;
    return std::exchange(first, first->next);
}

FIRE_AND_FORGET_ENGINE kept_frame* kept_frames::split(std::uint32_t some) noexcept {
    kept_frame* const head = first;
    kept_frame* last = head;
    for (std::uint32_t i = 1; i < some; ++i) {
        last = last->next;
    }
    first = std::exchange(last->next, nullptr);
    count -= some;
    return head;
}

FIRE_AND_FORGET_ENGINE void kept_frames::free_all() noexcept {
    count = 0;
    while (first != nullptr) {
        ::operator delete(std::exchange(first, first->next));
    }
}

FIRE_AND_FORGET_ENGINE void frame_depot::put(std::size_t k, kept_frame* full) noexcept {
    shelf& to = shelves_[k];
    {
        const library_lock lock(to.mutex);
        if ((to.batches + 1) * batch * size_of(k) <= depot_bytes) {
            full->next_batch = std::exchange(to.first, full);
            ++to.batches;
            return;
        }
    }
    kept_frames{full, batch}.free_all();
}

FIRE_AND_FORGET_ENGINE kept_frame* frame_depot::get(std::size_t k) noexcept {
    shelf& from = shelves_[k];
    const library_lock lock(from.mutex);
    if (from.first == nullptr) {
        return nullptr;
    }
    --from.batches;
    return std::exchange(from.first, from.first->next_batch);
}

FIRE_AND_FORGET_ENGINE void empty_frame_cache() noexcept {
    const inside_library giving_back; // REENTRY-4
    frame_cache& mine = this_threads_frames;
    mine.is_armed = false;
    mine.is_over = true;
    for (std::size_t k = 0; k < frame_sizes::classes; ++k) {
        while (mine.lists[k].count >= frame_sizes::batch) {
            frame_depot::instance().put(k, mine.lists[k].split(frame_sizes::batch));
        }
        mine.lists[k].free_all();
    }
}

FIRE_AND_FORGET_ENGINE bool arm(frame_cache& mine) noexcept {
    if (!mine.is_armed && !mine.is_over) {
        mine.is_armed = call_at_thread_end<&empty_frame_cache>();
        mine.is_over = !mine.is_armed;
    }
    return mine.is_armed; // FRAMES-3
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void* frame_pool::allocate(std::size_t size) noexcept {
    if (size > largest || !is_recycling) [[unlikely]] {
        return allocate_inside(size);
    }
    const std::size_t k = class_of(size);
    kept_frames& mine = this_threads_frames.lists[k];
    return mine.first != nullptr ? mine.pop() : allocate_from_others(k);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void*
frame_pool::allocate_from_others(std::size_t k) noexcept {
    const inside_library allocating; // REENTRY-4
    frame_cache& mine = this_threads_frames;
    if (kept_frame* const full = arm(mine) ? frame_depot::instance().get(k) : nullptr) {
        mine.lists[k] = {full, batch};
        return mine.lists[k].pop();
    }
    return ::operator new(size_of(k), std::nothrow);
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void frame_pool::release(void* memory,
                                                                  std::size_t size) noexcept {
    if (size > largest || !is_recycling) [[unlikely]] {
        release_inside(memory);
        return;
    }
    const std::size_t k = class_of(size);
    frame_cache& mine = this_threads_frames;
    if (!mine.is_armed || mine.lists[k].count == 2 * batch - 1) [[unlikely]] {
        release_to_others(memory, k);
    } else {
        mine.lists[k].push(memory);
    }
}

[[gnu::noinline]] FIRE_AND_FORGET_ENGINE void
frame_pool::release_to_others(void* memory, std::size_t k) noexcept {
    const inside_library giving_back; // REENTRY-4
    frame_cache& mine = this_threads_frames;
    if (!arm(mine)) {
        ::operator delete(memory);
        return;
    }
    if (mine.lists[k].count == 2 * batch - 1) {
        frame_depot::instance().put(k, mine.lists[k].split(batch)); // FRAMES-2
    }
    mine.lists[k].push(memory);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
