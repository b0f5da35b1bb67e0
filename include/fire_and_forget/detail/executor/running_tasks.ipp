// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/reentry.hpp"
#include "../platform/thread_state.hpp"
#include "abandoned_tasks.hpp"
#include "running_tasks.hpp"

#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void running_tasks::link(entry& fresh) noexcept {
    ++count_;
    all_.add(fresh);
}

FIRE_AND_FORGET_ENGINE bool running_tasks::unlink(entry& gone) noexcept {
    all_.remove(gone);
    count_ -= gone.is_written_off ? 0 : 1;
    return !gone.is_written_off;
}

FIRE_AND_FORGET_ENGINE write_offs running_tasks::write_off(abandoned_tasks& abandoned) noexcept {
    write_offs lost;
    for (entry* one = all_.first(); one != nullptr; one = one->next) {
        if (!one->is_written_off && one->thread != std::this_thread::get_id()) {
            one->is_written_off = true;
            if (one->is_passing) {
                ++lost.passing;
            } else {
                ++lost.tasks;
                abandoned.add_running(one->where, one->name);
            }
        }
    }
    count_ -= lost.all();
    return lost;
}

FIRE_AND_FORGET_ENGINE running_entry_item::running_entry_item(std::mutex& guarding,
                                                              running_tasks::entry& its,
                                                              const void* executor) noexcept
    : running_item{executor,
                   [](running_item& self) noexcept {
                       auto& mine = static_cast<running_entry_item&>(self);
                       const library_lock lock(mine.mutex);
                       const bool is_counted = mine.entry.is_written_off && !mine.entry.is_passing;
                       mine.entry.is_passing = mine.entry.is_passing || !is_counted;
                       return !is_counted;
                   },
                   [](running_item& self) noexcept {
                       auto& mine = static_cast<running_entry_item&>(self);
                       const library_lock lock(mine.mutex);
                       mine.entry.is_passing = mine.entry.is_passing && mine.is_guest;
                       return mine.is_guest || !mine.entry.is_written_off;
                   }},
      mutex(guarding), entry(its), is_guest(its.is_passing),
      outer(std::exchange(this_thread.item, this)) {}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
