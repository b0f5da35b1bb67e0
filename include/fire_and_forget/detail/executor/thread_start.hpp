// SPDX-License-Identifier: MIT
#pragma once

// Starts threads, and bears it when the system will not. Pools and own_thread start theirs here.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/platform.hpp"
#include "../platform/thread_name.hpp"
#include "../platform/time.hpp"

#include <atomic>
#include <exception>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Starts a thread of the library. False if it could not be, and why, unless that is for want of
/// memory.
bool start_thread(thread_body body, void* executor, void* record, std::exception_ptr& why,
                  std::size_t stack_size = usual_stack) noexcept;

/// Names the calling worker "faf/1"; the system shows 15 characters.
void name_worker_thread(const thread_name& prefix, unsigned number) noexcept;

/// Names a thread of its own after its task; "faf/own" if that has no name.
void name_own_thread(std::string_view task) noexcept;

/// That no thread could be started for a task. Found under a lock, reported without it.
class thread_trouble {
public:
    thread_trouble() noexcept = default;
    thread_trouble(const call_site& where, std::exception_ptr why) noexcept
        : is_real_(true), where_(where), why_(std::move(why)) {}

    explicit operator bool() const noexcept { return is_real_; }

    /// `remedy` says what becomes of the task.
    void report(std::string_view remedy, const error_sink* of_pool) const;

private:
    bool is_real_ = false;
    call_site where_{};
    std::exception_ptr why_;
};

/// Spaces out the tries to start a thread while the system refuses, and makes one report of them
/// all. Guarded by a lock of its owner, but for end().
class hiring_pause {
public:
    bool is_over() const noexcept;

    steady_time end_time() const noexcept { return next_try_; }

    void end() noexcept { is_lasting_.store(false, std::memory_order_relaxed); }

    /// Begins or prolongs the pause; the trouble is to be reported if it is new.
    thread_trouble begin(const call_site& where, std::exception_ptr why) noexcept;

private:
    std::atomic<bool> is_lasting_{false};
    steady_time next_try_{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
