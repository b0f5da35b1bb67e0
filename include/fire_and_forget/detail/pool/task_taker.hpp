// SPDX-License-Identifier: MIT
#pragma once

// Who takes tasks out of the lanes of a pool: a worker, one that makes room, or
// who closes the pool.

#include "../../call_site.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../queue/lanes.hpp"
#include "../task/run_task.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A value that its owner overwrites while others may read it: whole words, each by itself. Who
/// must not mix two values makes sure of that by other means.
template <class T>
class shared_words {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uintptr_t) == 0);

public:
    void store(const T& value) noexcept {
        std::uintptr_t copy[words];
        std::memcpy(copy, &value, sizeof(T));
        for (std::size_t i = 0; i < words; ++i) {
            words_[i].store(copy[i], std::memory_order_relaxed);
        }
    }

    T load() const noexcept {
        std::uintptr_t copy[words];
        for (std::size_t i = 0; i < words; ++i) {
            copy[i] = words_[i].load(std::memory_order_relaxed);
        }
        T value{};
        std::memcpy(static_cast<void*>(&value), copy, sizeof(T));
        return value;
    }

private:
    static constexpr std::size_t words = sizeof(T) / sizeof(std::uintptr_t);
    std::atomic<std::uintptr_t> words_[words]{};
};

/// The task in a slot, which holds it itself and was taken out of its lane.
stored_task task_in(const slot& taken) noexcept;

/// Takes tasks out of lanes, one at a time, and remembers where they stand.
///
/// Invariants  TAKER-1  A task that has left its lane is marked as running before the lane is
///                      unlocked. So whoever closes the pool and has had all locks finds it in one
///                      place or the other.
///             TAKER-2  Whether tasks may still be taken is read under the lane's lock. So once the
///                      lanes are over and whoever closes has had all locks, no worker takes one.
///             TAKER-3  A running task ends once: by its worker's exchange, or before that by being
///                      written off. Only the first counts it. What has been handed over by then, a
///                      coroutine, is only passing: it is counted where it comes to its end.
class task_taker : public running_item {
public:
    task_taker() noexcept : task_taker(nullptr) {}
    explicit task_taker(const lane_set& until_over) noexcept : task_taker(&until_over) {}

    /// Called by the lane, under its lock.
    bool may_take() const noexcept;

    /// Called by the lane, under its lock.
    void take(slot& from, pool_block& in) noexcept;

    slot& taken() const noexcept { return *from_; }

    /// The task of a slot that holds one from the heap, else null.
    static task_node* node_in(const slot& holder) noexcept;

    /// The coroutine of a slot that holds one which goes on, else null.
    static suspended* coroutine_in(const slot& holder) noexcept;

    /// The slot is free again. Blocks are told of a row of tasks at once, because that is a
    /// read-modify-write on a line that other workers want too.
    void finish_slot() noexcept;

    /// To be called before it waits for anything: a block must not be kept from its owner for long.
    void flush() noexcept;

    /// Ends the task; false if it had been written off.
    bool end() noexcept;

    /// Gives up the task that runs; false if none does or that has been done. Under the pool's
    /// lock, which the worker takes after a task that was written off: so where_ stays as it is.
    bool write_off(abandoned_tasks& abandoned) noexcept;

    /// The same for what is not counted here.
    bool write_off_passing() noexcept { return change(state::passing, state::passed_off); }

    bool is_written_off() const noexcept;

    bool has_any() const noexcept;

    bool is_running() const noexcept;

    /// Where the task it took last was fired, and its name. For others only a hint, unless they
    /// know that it is the same task before and after.
    call_site where() const noexcept { return where_.load(); }
    const char* name() const noexcept { return name_.load(std::memory_order_relaxed); }

private:
    enum class state : std::uint8_t { idle, running, passing, written_off, passed_off };

    explicit task_taker(const lane_set* until_over) noexcept;

    bool change(state from, state to) noexcept;

    const lane_set* until_over_ = nullptr; ///< null for whoever closes
    std::atomic<state> state_{state::idle};
    shared_words<call_site> where_;
    std::atomic<const char*> name_{nullptr};
    bool is_guest_ = false; ///< what runs is not counted here
    slot* from_ = nullptr;
    pool_block* in_ = nullptr;
    pool_block* finished_in_ = nullptr;
    std::uint32_t finished_ = 0;
};

/// How much has been written off.
struct write_offs {
    std::size_t tasks = 0;
    std::size_t passing = 0; ///< that is counted elsewhere

    void add(task_taker& taker, abandoned_tasks& abandoned) noexcept;
};

/// Takes out what will not run, and counts that while the lane is locked: whoever comes to an empty
/// lane then knows.
struct dropping_taker : task_taker {
    dropping_taker(std::atomic<std::uint64_t>& of_tasks,
                   std::atomic<std::uint64_t>& of_coroutines) noexcept
        : tasks(of_tasks), coroutines(of_coroutines) {}

    void take(slot& from, pool_block& in) noexcept;

    std::atomic<std::uint64_t>& tasks;
    std::atomic<std::uint64_t>& coroutines;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
