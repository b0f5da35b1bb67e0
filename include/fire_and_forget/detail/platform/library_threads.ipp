// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "library_threads.hpp"
#include "native_thread.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "reentry.hpp"
#include "scope_guard.hpp"
#include "thread_end.hpp"
#include "thread_state.hpp"
#include "time.hpp"

#include <cstdint>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE int library_threads::start(thread_body body, void* executor,
                                                                void* record,
                                                                std::size_t stack_size) noexcept {
    auto* const fresh = new (std::nothrow) library_thread{{}, body, executor, record};
    if (fresh == nullptr) {
        return no_memory;
    }
    static_cast<void>(join_ended());
    {
        const library_lock lock(mutex_);
        at_work_.add(*fresh); // before it can leave
        ++count_at_work_;
    }
    const int error = start_native_thread(&live, fresh, stack_size);
    if (error != 0) {
        {
            const library_lock lock(mutex_);
            stop_work(*fresh);
        }
        delete fresh;
    }
    return error;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void library_threads::leave() noexcept {
    library_thread* const self = std::exchange(this_thread.of_library, nullptr);
    if (self == nullptr) {
        return; // it has left already, or is the first thread of a forked child
    }
    static_cast<void>(join_ended());
    const library_lock lock(mutex_);
    self->handle = this_native_thread();
    stop_work(*self);
    left_.add(*self); // JOIN-1
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void library_threads::wait_until_alone() const noexcept {
    for (std::uint32_t all = at_work(); all > 1; all = at_work()) {
        count_at_work_.wait(all);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool library_threads::has_any(const void* executor) noexcept {
    const auto is_its = [=](const library_thread& one) {
        return executor == nullptr || one.executor == executor;
    };
    const library_lock lock(mutex_);
    return left_.find(is_its) != nullptr || at_work_.find(is_its) != nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
library_threads::join_left(const void* executor) noexcept {
    const cancellation_deferred whole;
    const inside_library joining;
    std::unique_lock lock(mutex_);
    while (library_thread* const gone = left_.find([=](const library_thread& one) {
        return one.executor == executor && !is_this_thread(one.handle);
    })) {
        if (std::exchange(gone->is_being_joined, true)) {
            joined_.wait(lock); // somebody else does it
            continue;
        }
        lock.unlock();
        join(gone->handle);
        lock.lock();
        left_.remove(*gone);
        joined_.notify_all();
        lock.unlock();
        delete gone;
        lock.lock();
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void
library_threads::join_left_until(steady_time deadline, const void* executor) noexcept {
    while (join_ended(executor) && steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void* library_threads::live(void* started) {
    auto& self = *static_cast<library_thread*>(started);
    this_thread.of_library = &self;
    begin_thread();
    const scope_guard at_the_end([] { // also where it is ended by force
        take_last_steps();
        instance().leave();
    });
    self.body(self.executor, self.record);
    return nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool
library_threads::join_ended(const void* executor) noexcept {
    library_thread* ended = nullptr;
    bool is_any_left = false;
    {
        const library_lock lock(mutex_);
        for (library_thread* one = left_.first(); one != nullptr;) {
            library_thread& seen = *std::exchange(one, one->next);
            if (!seen.is_being_joined && try_join(seen.handle)) {
                left_.remove(seen);
                seen.next = std::exchange(ended, &seen);
            } else if (executor == nullptr || seen.executor == executor) {
                is_any_left = is_any_left || !is_this_thread(seen.handle);
            }
        }
    }
    while (ended != nullptr) {
        delete std::exchange(ended, ended->next);
    }
    return is_any_left;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void library_threads::stop_work(library_thread& one) noexcept {
    at_work_.remove(one);
    if (count_at_work_.fetch_sub(1) <= 2) {
        count_at_work_.notify_all();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
