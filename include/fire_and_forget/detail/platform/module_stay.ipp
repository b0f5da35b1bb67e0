// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "library_threads.hpp"
#include "loaded_module.hpp"
#include "module_stay.hpp"
#include "process.hpp"
#include "reentry.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void module_stay::begin() noexcept {
    {
        const library_lock lock(mutex_);
        if (users_++ > 0) {
            return; // it stays, or a thread is on the way to see to it that stands in its code
        }
    }
    if (!is_in_loaded_module()) {
        return;
    }
    void* again = keep_loaded(module_of_library.load(std::memory_order_relaxed));
    if (again == nullptr) {
        return;
    }
    expect_exit();
    main_.watch();
    {
        const library_lock lock(mutex_);
        if (users_ > 0 && handle_ == nullptr) {
            handle_ = std::exchange(again, nullptr);
        }
    }
    if (again != nullptr) {
        let_go_of_module(again);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void module_stay::end() noexcept {
    void* last = nullptr;
    {
        const library_lock lock(mutex_);
        if (--users_ == 0 && !is_over_ && !main_.has_begun() &&
            !library_threads::instance().has_any()) {
            last = std::exchange(handle_, nullptr);
        }
    }
    if (last != nullptr) {
        let_go_of_module(last);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool module_stay::is_kept() noexcept {
    const library_lock lock(mutex_);
    return handle_ != nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void module_stay::note_exit() noexcept {
    const library_lock lock(mutex_);
    is_over_ = true;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void module_stay::expect_exit() noexcept {
    constexpr unsigned enough = 32;
    {
        const library_lock lock(mutex_);
        if (notes_ == enough) {
            return;
        }
        ++notes_;
    }
    static_cast<void>(call_at_exit<&note_exit_here>());
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
