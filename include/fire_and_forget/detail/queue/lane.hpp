// SPDX-License-Identifier: MIT
#pragma once

// The queue of one submitting thread. pool_lane.hpp lists those of a pool; the front door stores
// closures in their slots. Both sides are here, long as that is: what one may do depends on lines
// of the other.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/reentry.hpp"
#include "../task/closure.hpp"
#include "block.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

struct pool_lane;

/// Whether what is stored is new here, or a coroutine that goes on: that is not counted as a task.
enum class arrival : std::uint8_t { first, again };

/// First in, first out; one thread stores, any worker takes. A task is constructed in its slot, and
/// run and destroyed there.
///
/// Shape       Blocks of slots, chained. The storing side fills the last one; the taking side,
///             which is a lock that workers only try, moves along behind it.
/// Invariants  LANE-1   Only the owner, the storing thread, changes next_, end_, tail_,
///                      pushed_ and resumed_.
///             LANE-2   Only the holder of is_taking_ changes head_, head_end_,
///                      head_block_ and taken_.
///             LANE-3   What is in a slot is read only after its type was seen, with acquire.
///             LANE-4   A block is used again only when all its tasks are done *and* the taking
///                      side has moved on: `unfinished` counts one more than there are slots.
///             LANE-5   No user code runs while is_taking_ is held. A block that was passed is
///                      given back after it: operator delete may be the user's.
///             LANE-6   Slots are reserved in order, before their closure is constructed. What a
///                      copy constructor stores here itself waits behind its own; one that may
///                      throw runs before a slot is reserved, for a task on the heap.
/// Orderings   LANE-7   publish() stores the type with release, after the closure, the place and
///                      pushed_; a taker loads it with acquire.
///             LANE-8   finish() releases what a worker did in a block; the last one acquires it
///                      all, and releases the block through spares_ to the owner, who acquires.
///             LANE-9   A new block is complete before it is linked with release; the taking side
///                      follows the link with acquire.
///             LANE-10  is_taking_ is a lock: acquire on taking, release on letting go.
///             LANE-11  Who reads taken_ and then pushed_ finds at least as many pushed.
///             LANE-12  is_taking_ is held only inside: a handler of a signal may fire, and have to
///                      wait for it. Workers take the ticks of a profiler.
/// Limits      Not a work-stealing deque: workers take from the old end only. A slot is recalled by
///             its address: not told from the task that a handler has stored there, if that has
///             fired two blocks of them since the publish, all before the pool closed.
/// Cost        Storing: plain stores and loads. 64 bytes for a queued task and 64 for each block.
///             Taking: one read-modify-write, for as many tasks as are taken at once.
///             Lines that other cores have: a submit touches 1.1 while tasks queue up or fire
///             others, its slot's, and 2.2 where a worker looks for each, the doorbell's besides,
///             or 3.1 where that has looked into many lanes in vain, its own besides.
///             A run touches 2.2 while tasks queue up, its slot's and the block's, or where it was
///             looked for long; 3.1 where small trees of tasks are shared out, and then 3.5. With
///             64 producers and workers as with 8 of each: tests/lines counts them.
/// Source      the bounded rings of Lamport and of FastForward (Giacomoni et al.), chained;
///             tests/models/lane.pml.
template <std::size_t Slots>
class alignas(cache_line) basic_lane {
public:
    using block_type = block<Slots>;

    basic_lane() noexcept = default;
    basic_lane(const basic_lane&) = delete;
    basic_lane& operator=(const basic_lane&) = delete;

    /// When nothing waits here any more and no task runs in one of its blocks.
    ~basic_lane() {
        while (block_type* const one = head_block_) {
            head_block_ = one->next.load(std::memory_order_relaxed);
            delete one;
        }
        for (std::atomic<block_type*>& place : spares_) {
            delete place.load(std::memory_order_relaxed);
        }
    }

    /// Before its first use; false if there is no memory.
    bool prepare() noexcept {
        head_block_ = new (std::nothrow) block_type(*this);
        if (head_block_ != nullptr) {
            tail_ = head_block_;
            next_ = head_ = head_block_->first();
            end_ = head_end_ = head_ + Slots;
        }
        return head_block_ != nullptr;
    }

    // The owner's side ----------------------------------------------------------------------------

    /// Whether there is a slot to reserve; false if there is no memory for one.
    bool has_room() noexcept {
        if (next_ != end_) [[likely]] {
            return true;
        }
        return extend();
    }

    /// The next slot, for the owner to construct a task in and then publish, bury or unreserve it.
    /// After has_room().
    slot& reserve() noexcept { return *next_++; } // LANE-6

    /// From now on workers may take it.
    void publish(slot& stored, const task_vtable& type, arrival how = arrival::first) noexcept {
        count_up(how == arrival::first ? pushed_ : resumed_); // LANE-1
        stress_point();
        stored.type.store(&type, std::memory_order_release); // LANE-7
    }

    /// Leaves a reserved slot without a task.
    static void bury(slot& reserved) noexcept {
        reserved.type.store(&tombstone, std::memory_order_release); // LANE-7
    }

    /// Gives up a slot that is reserved and empty. False if others have been reserved since: then a
    /// tombstone is left, and there may be tasks behind it.
    bool unreserve(slot& reserved) noexcept {
        const bool is_last = &reserved + 1 == next_;
        if (is_last) {
            next_ = &reserved;
        } else {
            bury(reserved);
        }
        return is_last;
    }

    /// Whether there is something to heed once it has stored a task (pool_lane.hpp).
    bool has_notice() const noexcept { return notices_.load(std::memory_order_relaxed) != 0; }

    /// Takes back what the owner published last, if no worker has taken it: then it is reserved
    /// again. For a pool that was found closed; waits for the lock.
    bool try_recall(slot& stored, arrival how = arrival::first) noexcept {
        const inside_library recalling; // LANE-12
        lock();
        const bool waits = is_waiting(stored);
        if (waits) {
            stored.type.store(nullptr, std::memory_order_relaxed);
            std::atomic<std::uint64_t>& all = how == arrival::first ? pushed_ : resumed_;
            all.store(all.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed); // LANE-1
        }
        unlock();
        return waits;
    }

    /// Takes back what the owner published last, if no worker has taken it and `is_it` holds for
    /// its slot, of `type`; null if not. `is_it`, called with the lock held, is to take out of the
    /// slot what stands there: the next task is stored in it. From inside.
    template <class Predicate>
    bool take_newest(const task_vtable& type, Predicate is_it) noexcept {
        if (next_ == tail_->first()) {
            return false; // it would stand in the block before
        }
        slot& last = next_[-1];
        if (last.type.load(std::memory_order_relaxed) != &type) {
            return false; // LANE-1: only a worker could have changed it
        }
        lock();
        const bool is_taken = (tail_ != head_block_ || &last >= head_) && is_it(last);
        if (is_taken) {
            last.type.store(nullptr, std::memory_order_relaxed);
            pushed_.store(accepted() - 1, std::memory_order_relaxed); // LANE-1
        }
        unlock();
        next_ -= is_taken ? 1 : 0;
        return is_taken;
    }

    // The workers' side ---------------------------------------------------------------------------

    /// Takes the task that waits longest, and with it those behind it in its block, up to `most`
    /// and as far as `taker.may_join(type)`. `taker.take(slot, block, count)` is called with the
    /// lock held, after `taker.may_take()`, and answers how many it takes. Returns that; none if
    /// there is no task, or another worker is taking right now.
    template <class Taker>
    std::uint32_t try_take(Taker& taker, std::uint32_t most = 1) noexcept {
        const inside_library taking; // LANE-12
        return try_lock() ? take_and_unlock(taker, any_task, most) : 0;
    }

    /// Takes one, and waits for a worker that is taking.
    template <class Taker>
    bool take(Taker& taker) noexcept {
        return take_if(taker, any_task);
    }

    /// The same, if `is_it` holds for the task's slot.
    template <class Taker, class Predicate>
    bool take_if(Taker& taker, Predicate is_it) noexcept {
        const inside_library taking; // LANE-12
        lock();
        return take_and_unlock(taker, is_it, 1) > 0;
    }

    /// Calls `look` with the slot of the task that waits longest, if there is one, while it can't
    /// be taken.
    template <class Look>
    void look_at_first(Look look) noexcept {
        const inside_library looking; // LANE-12
        lock();
        const hold held(*this);
        if (const slot* const first = first_waiting()) {
            look(*first);
        }
    }

    /// False only if no task can be taken. A worker that is taking counts as one: there may be more
    /// behind what it takes.
    bool may_have_tasks() noexcept {
        if (!seems_used()) {
            return false;
        }
        const inside_library looking; // LANE-12
        if (!try_lock()) {
            return true;
        }
        const hold held(*this);
        return first_waiting() != nullptr;
    }

    /// The same for who has taken `last` from here, out of `in`, and not finished it: looks behind
    /// that, for which it takes neither the lock nor the line of the owner.
    bool may_have_tasks_behind(const slot& last, block_type& in) noexcept {
        const slot* const next = &last + 1;
        return next != in.first() + Slots ? next->type.load(std::memory_order_relaxed) != nullptr
                                          : may_have_tasks();
    }

    /// The same, but false while another is taking: it may have been stopped there.
    bool has_task_at_hand() noexcept {
        const inside_library looking; // LANE-12
        if (!seems_used() || !try_lock()) {
            return false;
        }
        const hold held(*this);
        return first_waiting() != nullptr;
    }

    /// A quick look before the lock: false only if nothing waits. Not for a lane that is being
    /// filled, as it takes pushed_ from its owner's cache.
    bool seems_used() const noexcept { return pushed() != taken(); }

    /// Tasks stored, and tasks taken, since it was made.
    std::uint64_t pushed() const noexcept { return accepted() + resumed(); }
    std::uint64_t taken() const noexcept {
        return taken_.load(std::memory_order_acquire); // LANE-11
    }

    /// Of those stored: tasks, and coroutines that go on.
    std::uint64_t accepted() const noexcept { return pushed_.load(std::memory_order_relaxed); }
    std::uint64_t resumed() const noexcept { return resumed_.load(std::memory_order_relaxed); }

    /// Keeps a block whose tasks are done for the owner, or gives its memory back if there are
    /// enough. Called by the last to finish in it.
    void take_back(block_type* done) noexcept {
        done->unfinished.store(Slots + 1, std::memory_order_relaxed);
        done->next.store(nullptr, std::memory_order_relaxed);
        for (std::atomic<block_type*>& place : spares_) {
            block_type* none = nullptr;
            if (place.compare_exchange_strong(none, done, std::memory_order_release, // LANE-8
                                              std::memory_order_relaxed)) {
                return;
            }
        }
        const inside_library giving_back; // REENTRY-4
        delete done;
    }

private:
    friend struct pool_lane;

    static constexpr std::size_t spares = 2;

    [[gnu::noinline]] bool extend() noexcept {
        const inside_library allocating;
        block_type* fresh = take_spare();
        if (fresh == nullptr) {
            fresh = new (std::nothrow) block_type(*this);
        }
        if (fresh == nullptr) {
            return false;
        }
        stress_point();
        tail_->next.store(fresh, std::memory_order_release); // LANE-9
        tail_ = fresh;
        next_ = fresh->first();
        end_ = next_ + Slots;
        return true;
    }

    /// Only the owner takes spares, so load and store need not be one step.
    block_type* take_spare() noexcept {
        for (std::atomic<block_type*>& place : spares_) {
            block_type* const spare = place.load(std::memory_order_acquire); // LANE-8
            if (spare != nullptr) {
                place.store(nullptr, std::memory_order_relaxed);
                return spare;
            }
        }
        return nullptr;
    }

    bool try_lock() noexcept { // LANE-10
        return !is_taking_.load(std::memory_order_relaxed) &&
               !is_taking_.exchange(true, std::memory_order_acquire);
    }
    void lock() noexcept {
        while (!try_lock()) {
            std::this_thread::yield();
        }
    }
    void unlock() noexcept { is_taking_.store(false, std::memory_order_release); } // LANE-10

    /// Who has taken the lock lets go of it, and then of the blocks that were passed. // LANE-5
    class hold {
    public:
        explicit hold(basic_lane& of) noexcept : of_(of), first_(of.head_block_) {}
        ~hold() {
            block_type* const head = of_.head_block_;
            of_.unlock();
            if (first_ != head) [[unlikely]] {
                let_go(first_, *head);
            }
        }
        hold(const hold&) = delete;
        hold& operator=(const hold&) = delete;

    private:
        basic_lane& of_;
        block_type* const first_;
    };

    /// Of the blocks from `passed` on to `end`, of which nobody else has the taking side's part.
    static void let_go(block_type* passed, const block_type& end) noexcept {
        stress_point();
        for (block_type* next = passed; passed != &end; passed = next) {
            next = passed->next.load(std::memory_order_relaxed); // while it is there
            passed->finish(1);                                   // LANE-4
        }
    }

    static constexpr auto any_task = [](const slot&) { return true; };

    template <class Taker, class Predicate>
    std::uint32_t take_and_unlock(Taker& taker, Predicate is_it, std::uint32_t most) noexcept {
        const hold held(*this);
        slot* const first = taker.may_take() ? first_waiting() : nullptr;
        std::uint32_t count = 0;
        if (first != nullptr && is_it(*first)) {
            count = taker.take(*first, *head_block_, most > 1 ? count_run(taker, most) : 1);
            head_ += count;
            taken_.store(taken() + count, std::memory_order_release); // LANE-2 LANE-11
        }
        stress_point();
        return count;
    }

    /// How many tasks wait next to each other, from the first one on, that may be taken together.
    /// Looking at them all at once brings their lines here at once. Under the lock.
    template <class Taker>
    std::uint32_t count_run(Taker& taker, std::uint32_t most) noexcept {
        const slot* const end =
            head_end_ - head_ > static_cast<std::ptrdiff_t>(most) ? head_ + most : head_end_;
        const task_vtable* const first = head_->type.load(std::memory_order_relaxed); // it waits
        if (!taker.may_join(*first)) {
            return 1;
        }
        const slot* next = head_ + 1;
        for (; next != end; ++next) {
            const task_vtable* const type = next->type.load(std::memory_order_acquire); // LANE-3
            if (type != first &&
                (type == nullptr || type == &tombstone || !taker.may_join(*type))) {
                break;
            }
        }
        return static_cast<std::uint32_t>(next - head_);
    }

    /// The first slot with a task, past tombstones and on to the next block. Under the lock.
    slot* first_waiting() noexcept {
        for (;;) {
            if (head_ == head_end_ && !follow()) {
                return nullptr;
            }
            const task_vtable* const type =
                head_->type.load(std::memory_order_acquire); // LANE-3 LANE-7
            if (type != &tombstone) {
                return type != nullptr ? head_ : nullptr;
            }
            head_->type.store(nullptr, std::memory_order_relaxed);
            ++head_;
            head_block_->finish(1);
        }
    }

    /// Moves the taking side on to the next block; `hold` lets go of this one.
    bool follow() noexcept {
        block_type* const next = head_block_->next.load(std::memory_order_acquire); // LANE-9
        if (next == nullptr) {
            return false;
        }
        head_block_ = next;
        head_ = next->first();
        head_end_ = head_ + Slots;
        return true;
    }

    /// Whether `stored` has not been taken yet. Under the lock, by the owner.
    bool is_waiting(const slot& stored) const noexcept {
        const slot* first = head_;
        for (block_type* in = head_block_; in != nullptr;
             in = in->next.load(std::memory_order_relaxed)) { // the owner has linked them itself
            if (first <= &stored && &stored < in->first() + Slots && in->first() <= &stored) {
                return true;
            }
            block_type* const behind = in->next.load(std::memory_order_relaxed);
            first = behind != nullptr ? behind->first() : nullptr;
        }
        return false;
    }

    // The owner's line.
    slot* next_ = nullptr;
    slot* end_ = nullptr;
    block_type* tail_ = nullptr;
    std::atomic<std::uint64_t> pushed_{0};
    std::atomic<std::uint64_t> resumed_{0};
    std::atomic<std::uint8_t> notices_{0}; ///< of pool_lane.hpp, where others change it, rarely

    // The workers' line.
    alignas(cache_line) std::atomic<bool> is_taking_{false};
    slot* head_ = nullptr;
    slot* head_end_ = nullptr;
    block_type* head_block_ = nullptr;
    std::atomic<std::uint64_t> taken_{0};

    alignas(cache_line) std::atomic<block_type*> spares_[spares]{};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
