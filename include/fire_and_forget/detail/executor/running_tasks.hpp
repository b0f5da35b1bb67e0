// SPDX-License-Identifier: MIT
#pragma once

// The tasks that run outside of a pool's workers: on threads of their own, or on their callers'.
// Not thread-safe: the mutex of their executor guards it.

#include "../../call_site.hpp"
#include "../platform/abi.hpp"
#include "../platform/intrusive_list.hpp"
#include "../platform/thread_state.hpp"
#include "abandoned_tasks.hpp"

#include <cstddef>
#include <mutex>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class running_tasks {
public:
    /// One of them, in the keeping of who runs it.
    struct entry {
        entry() noexcept = default;
        entry(const call_site& place, const char* named) noexcept
            : where(place), name(named), thread(std::this_thread::get_id()) {}

        call_site where{};
        const char* name = nullptr;
        std::thread::id thread{};
        bool is_written_off = false; ///< given up while it ran
        bool is_passing = false;     ///< what runs is counted elsewhere
        entry* next = nullptr;
        entry** link = nullptr;
    };

    /// Those that are not written off.
    std::size_t count() const noexcept { return count_; }

    void link(entry& fresh) noexcept;

    /// False if it has been written off.
    bool unlink(entry& gone) noexcept;

    /// Gives them up, but for those of the calling thread.
    write_offs write_off(abandoned_tasks& abandoned) noexcept;

private:
    intrusive_list<entry> all_;
    std::size_t count_ = 0;
};

/// One of them as what a coroutine leaves that goes on elsewhere.
struct running_entry_item : running_item {
    running_entry_item(std::mutex& guarding, running_tasks::entry& its,
                       const void* executor) noexcept;
    ~running_entry_item() { this_thread.item = outer; }
    running_entry_item(const running_entry_item&) = delete;
    running_entry_item& operator=(const running_entry_item&) = delete;

    std::mutex& mutex;
    running_tasks::entry& entry;
    const bool is_guest;
    running_item* const outer;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
