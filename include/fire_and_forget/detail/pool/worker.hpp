// SPDX-License-Identifier: MIT
#pragma once

// One worker of a pool: what it does, what it has done, and where it looks. pool_core.hpp has it
// run; worker_roster.hpp keeps it.

#include "../../call_site.hpp"
#include "../../stats.hpp"
#include "../executor/abandoned_tasks.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/lane_search.hpp"
#include "../queue/lanes.hpp"
#include "../task/run_task.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What tasks came to.
struct task_counts {
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t expired = 0;
    std::uint64_t abandoned = 0; ///< or displaced
    std::uint64_t open = 0;      ///< stretches of coroutines that ended without them

    std::uint64_t dropped() const noexcept { return cancelled + expired + abandoned; }
    std::uint64_t all() const noexcept { return succeeded + failed + dropped() + open; }

    void add(fate result) noexcept {
        ++(result == fate::succeeded   ? succeeded
           : result == fate::failed    ? failed
           : result == fate::cancelled ? cancelled
           : result == fate::expired   ? expired
           : result == fate::open      ? open
                                       : abandoned);
    }

    task_counts& operator+=(const task_counts& other) noexcept {
        succeeded += other.succeeded;
        failed += other.failed;
        cancelled += other.cancelled;
        expired += other.expired;
        abandoned += other.abandoned;
        open += other.open;
        return *this;
    }

    void add_to(stats& all) const noexcept {
        all.succeeded += succeeded;
        all.failed += failed;
        all.dropped += dropped();
        all.cancelled += cancelled;
        all.expired += expired;
    }
};

/// Counts on one thread, is read by any.
class running_counts {
public:
    /// Release: who sees the task counted as ended sees it counted as taken, which is earlier.
    void add(fate result) noexcept {
        std::atomic<std::uint64_t>& count = counts_[static_cast<std::size_t>(result)];
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    task_counts read() const noexcept {
        return {of(fate::succeeded), of(fate::failed),  of(fate::cancelled),
                of(fate::expired),   of(fate::dropped), of(fate::open)};
    }

    /// Changes with each task that ends.
    std::uint64_t all() const noexcept { return read().all(); }

private:
    std::uint64_t of(fate result) const noexcept {
        return counts_[static_cast<std::size_t>(result)].load(std::memory_order_acquire);
    }

    std::atomic<std::uint64_t> counts_[6]{};
};

/// A value that its owner overwrites while others may read it: whole words, each by itself. Who must
/// not mix two values makes sure of that by other means.
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

/// Takes tasks out of lanes, one at a time, and remembers where they stand.
///
/// Invariants  W1  A task that has left its lane is marked as running before the lane is unlocked.
///                 So whoever closes the pool and has had all locks finds it in one place or the
///                 other.
///             W2  Whether tasks may still be taken is read under the lane's lock. So once the lanes
///                 are over and whoever closes has had all locks, no worker takes one.
///             W3  A running task ends once: by its worker's exchange, or before that by being
///                 written off. Only the first counts it. What has been handed over by then, a
///                 coroutine, is only passing: it is counted where it comes to its end.
class task_taker : public running_item {
public:
    task_taker() noexcept : task_taker(nullptr) {}
    explicit task_taker(const lane_set& until_over) noexcept : task_taker(&until_over) {}

    /// Called by the lane, under its lock.
    bool may_take() const noexcept { // W2
        return until_over_ == nullptr || !until_over_->is_over();
    }

    /// Called by the lane, under its lock.
    void take(slot& from, pool_block& in) noexcept {
        from_ = &from;
        in_ = &in;
        const task_node* const node = node_in(from);
        const suspended* const coroutine = coroutine_in(from);
        is_guest_ = coroutine != nullptr && coroutine->is_guest;
        where_.store(from.where);
        name_.store(node != nullptr        ? node->name
                    : coroutine != nullptr ? coroutine->name
                                           : nullptr,
                    std::memory_order_relaxed);
        state_.store(is_guest_ ? state::passing : state::running, std::memory_order_release); // W1
    }

    slot& taken() const noexcept { return *from_; }

    /// The task of a slot that holds one from the heap, else null.
    static task_node* node_in(const slot& holder) noexcept {
        if (holder.type.load(std::memory_order_relaxed) != &in_node) { // seen with acquire before
            return nullptr;
        }
        const void* const stored = holder.closure;
        return *std::launder(static_cast<task_node* const*>(stored));
    }

    /// The coroutine of a slot that holds one which goes on, else null.
    static suspended* coroutine_in(const slot& holder) noexcept {
        if (holder.type.load(std::memory_order_relaxed) != &resumption_type) { // as above
            return nullptr;
        }
        const void* const stored = holder.closure;
        return std::launder(static_cast<const resumption*>(stored))->one;
    }

    /// The slot is free again. Blocks are told of a row of tasks at once, because that is a
    /// read-modify-write on a line that other workers want too.
    void finish_slot() noexcept {
        from_->type.store(nullptr, std::memory_order_relaxed); // the block releases it
        if (in_ != finished_in_) {
            flush();
            finished_in_ = in_;
        }
        ++finished_;
    }

    /// To be called before it waits for anything: a block must not be kept from its owner for long.
    void flush() noexcept {
        if (finished_ > 0) {
            finished_in_->finish(finished_);
        }
        finished_in_ = nullptr;
        finished_ = 0;
    }

    /// Ends the task; false if it had been written off.
    bool end() noexcept {
        const state was = state_.exchange(state::idle, std::memory_order_acq_rel); // W3
        return was == state::running || was == state::passing;
    }

    /// Gives up the task that runs; false if none does or that has been done. Under the pool's
    /// lock, which the worker takes after a task that was written off: so where_ stays as it is.
    bool write_off(abandoned_tasks& abandoned) noexcept {
        const bool is_first = change(state::running, state::written_off); // W3
        if (is_first) {
            abandoned.add_running(where(), name());
        }
        return is_first;
    }

    /// The same for what is not counted here.
    bool write_off_passing() noexcept { return change(state::passing, state::passed_off); }

    bool is_written_off() const noexcept {
        const state now = state_.load(std::memory_order_relaxed);
        return now == state::written_off || now == state::passed_off;
    }

    bool has_any() const noexcept {
        return state_.load(std::memory_order_relaxed) != state::idle && !is_written_off();
    }

    bool is_running() const noexcept {
        return state_.load(std::memory_order_relaxed) == state::running;
    }

    /// Where the task it took last was fired, and its name. For others only a hint, unless they know
    /// that it is the same task before and after.
    call_site where() const noexcept { return where_.load(); }
    const char* name() const noexcept { return name_.load(std::memory_order_relaxed); }

private:
    enum class state : std::uint8_t { idle, running, passing, written_off, passed_off };

    explicit task_taker(const lane_set* until_over) noexcept
        : running_item{nullptr,
                       [](running_item& self) noexcept {
                           auto& taker = static_cast<task_taker&>(self);
                           taker.change(state::running, state::passing);
                           return taker.state_.load(std::memory_order_relaxed) !=
                                  state::written_off;
                       },
                       [](running_item& self) noexcept {
                           auto& taker = static_cast<task_taker&>(self);
                           return taker.is_guest_ || taker.change(state::passing, state::running);
                       }},
          until_over_(until_over) {}

    bool change(state from, state to) noexcept { // W3
        return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel,
                                              std::memory_order_relaxed);
    }

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

    void add(task_taker& taker, abandoned_tasks& abandoned) noexcept {
        while (taker.has_any()) { // what passes may come back
            if (taker.write_off(abandoned)) {
                ++tasks;
            } else if (taker.write_off_passing()) {
                ++passing;
            }
        }
    }
};

/// What a worker needs while it works, apart from its thread.
struct alignas(cache_line) worker_state {
    explicit worker_state(const lane_set& lanes) noexcept : taker(lanes), search(lanes) {}

    bool take_next() noexcept { return search.take_next(taker); }

    task_taker taker;
    lane_search search;
    doorbell::turn turn = doorbell::turn::of_another;
    running_counts counts;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
