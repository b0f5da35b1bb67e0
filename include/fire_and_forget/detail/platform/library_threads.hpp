// SPDX-License-Identifier: MIT
#pragma once

// The threads that the library has started, from their start until they are joined.
// thread_start.hpp starts them here.

#include "abi.hpp"
#include "intrusive_list.hpp"
#include "library_memory.hpp"
#include "native_thread.hpp"
#include "platform.hpp"
#include "process.hpp"
#include "thread_state.hpp"
#include "time.hpp"
#include "waited_atomic.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What a thread runs: its executor and the record it is known by there.
using thread_body = void (*)(void* executor, void* record);

/// One of them. `executor` tells whose it is, and may be gone.
struct library_thread : library_memory {
    thread_body body = nullptr;
    void* executor = nullptr;
    void* record = nullptr;
    native_thread handle{}; ///< once it has left
    bool is_being_joined = false;
    library_thread* next = nullptr;
    library_thread** link = nullptr;
};

/// Joins every one of them, sooner or later, and detaches none: glibc's pthread_detach may look at
/// the control block of a thread that has ended meanwhile, and then ends another thread's. Nobody
/// needs to wait for that: whoever starts a thread or leaves joins those that are there no more.
///
/// Invariants  JOIN-1  A thread has left before anybody can see that what it ran is settled. So who
///                     has waited for an executor to be quiet finds all its threads among those
///                     that have left, and by joining these knows that nothing of
///                     them runs any more.
///             JOIN-2  Of those that have left, only the ones that have not ended yet remain when
///                     another leaves: a thread_local destructor that blocks keeps its own thread's
///                     record only.
class library_threads {
public:
    static library_threads& instance() noexcept { return of_process.get(); }

    library_threads() noexcept = default;
    library_threads(const library_threads&) = delete;
    library_threads& operator=(const library_threads&) = delete;

    static constexpr int no_memory = -1;

    /// Starts a thread; 0, no_memory, or the system's reason against it.
    int start(thread_body body, void* executor, void* record,
              std::size_t stack_size = usual_stack) noexcept;

    /// To be called by each of them as its last step but for the settlement of what it ran. The
    /// thread may still run destructors of thread_locals for long.
    void leave() noexcept;

    std::uint32_t at_work() const noexcept { return count_at_work_.load(); }

    /// For one of them: until it is the only one at work.
    void wait_until_alone() const noexcept;

    /// Whether any of `executor`, or any at all if none is given, has not been joined yet.
    bool has_any(const void* executor = nullptr) noexcept;

    /// Waits for the end of those of `executor` that have left, but for the calling thread.
    void join_left(const void* executor) noexcept;

    /// The same until `deadline`, for all executors if none is given.
    void join_left_until(steady_time deadline, const void* executor = nullptr) noexcept;

private:
    static one_per_process<library_threads> of_process;

    static void* live(void* started);

    /// Joins those that have left and are not there any more. True if another than the calling
    /// thread is left of `executor`, or of any if none is given. // JOIN-2
    bool join_ended(const void* executor = nullptr) noexcept;

    void stop_work(library_thread& one) noexcept;

    std::mutex mutex_;
    std::condition_variable joined_;
    waited_atomic<std::uint32_t> count_at_work_{0};
    intrusive_list<library_thread> at_work_;
    intrusive_list<library_thread> left_; ///< they have only their last steps to do
};

inline constinit one_per_process<library_threads> library_threads::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
