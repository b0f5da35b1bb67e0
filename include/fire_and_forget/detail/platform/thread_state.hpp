// SPDX-License-Identifier: MIT
#pragma once

// What the library knows about the thread it is on: its lanes (thread_lanes.hpp), which tasks it
// runs, and whether a sink of it is at work. All of it is trivially destructible, so it can still
// be read in thread_local destructors.

#include "abi.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI {
struct worker_info;
}

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class abandonment;
struct member_frame;
class scheduler;

/// A task that is running on this thread, innermost first. `on` tells executors apart.
struct task_frame {
    const void* on = nullptr;
    const task_frame* outer = nullptr;
    const void* of_books = nullptr; ///< of a coroutine that is open in those
    scheduler* via = nullptr;       ///< whose turn on that executor it is part of
    bool is_uncounted = false; ///< a coroutine's next stretch, which the task that is `outer` runs,
                               ///< or a task that is dropped: executors don't count it as running
    const member_frame* members = nullptr; ///< the sets that it belongs to, innermost first
};

/// What an executor of the library runs on this thread, for a coroutine that leaves it.
struct running_item {
    const void* on = nullptr;

    /// The coroutine is about to be handed over: what still runs is no task of the executor's any
    /// more. False if that has given the task up, and counted it.
    bool (*pass_on)(running_item& self) noexcept = nullptr;

    /// That came to nothing. False if meanwhile the executor has given up what ran, uncounted.
    bool (*come_back)(running_item& self) noexcept = nullptr;
};

/// An executor's sink that this thread has borrowed for a report, innermost first.
struct loan_frame {
    const void* from = nullptr;
    const loan_frame* outer = nullptr;
};

class lane_set;

/// A call on this thread that may have a place in a pool, for a task which is not stored yet,
/// innermost first.
struct entry_frame {
    const lane_set* in = nullptr;
    const entry_frame* outer = nullptr;
};

class hand_over;
struct library_thread;
struct pool_lane;
struct sink_pin;
class lane_table;

struct thread_state {
    /// The lane used last, of normal priority, and the lanes it is one of.
    lane_set* lanes = nullptr;
    pool_lane* lane = nullptr;
    lane_table* all_lanes = nullptr;
    bool has_given_lanes_back = false; ///< the thread ends; what it still fires borrows a lane

    library_thread* of_library = nullptr; ///< until it leaves; null on threads of the program
    const task_frame* running = nullptr;
    const task_frame* left = nullptr;    ///< of these the innermost that exit() has left for good
    running_item* item = nullptr;        ///< the innermost that an executor of the library counts
    const void* works_for = nullptr;     ///< the executor whose worker this thread is
    const worker_info* worker = nullptr; ///< how users know it, if that is a pool
    hand_over* handing_over = nullptr;
    const void* starting_turn = nullptr; ///< the strand that this thread hands to its executor
    const loan_frame* loans = nullptr;
    const loan_frame* left_loans = nullptr; ///< as `left`
    const entry_frame* entries = nullptr;
    abandonment* abandoning = nullptr; ///< what it gives up, innermost first
    sink_pin* pin = nullptr;           ///< where it says which global sink it uses (sink_slot.hpp)
    bool in_sink = false;
    bool goes_on_here = false;             ///< a coroutine, whose wait this thread has ended
    bool is_keeper = false;                ///< which runs no code of users (errands.hpp)
    void (*last_steps[2])() noexcept = {}; ///< when it ends (thread_end.hpp)
    bool knows_its_kind = false;
    bool takes_last_steps = false;
    bool is_watched = false; ///< its end is heard if it is main (signal_heir.hpp)
    bool is_forking = false; ///< and holds the settings' lock (process.hpp)
};

inline constinit thread_local thread_state this_thread{};

/// The stores before it come before those after it for a handler that interrupts this thread. No
/// instruction.
inline void keep_order() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// Makes `fresh` the innermost of its kind on this thread. What a handler of a signal fires goes
/// along the frames that it finds: so each is whole before it can be found, and can't be any more
/// when its memory is used anew.
template <class Frame, class Fresh>
void enter_frame(Frame*& innermost, Fresh& fresh) noexcept {
    keep_order();
    innermost = &fresh;
}

template <class Frame>
void leave_frame(Frame*& innermost, Frame* outer) noexcept {
    innermost = outer;
    keep_order();
}

/// Makes it the innermost frame of this thread, uncounted, on the executor that there is anyway.
inline void enter_uncounted(task_frame& fresh) noexcept {
    fresh.outer = this_thread.running;
    fresh.on = fresh.outer != nullptr ? fresh.outer->on : nullptr;
    fresh.is_uncounted = true;
    enter_frame(this_thread.running, fresh);
}

/// True if the calling thread is inside a task, whoever runs it.
bool inside_a_task() noexcept;

/// How many tasks of `executor` the calling thread is inside of, be it by way of other executors.
/// Without `left`, and what that is in.
std::size_t depth_of(const void* executor, const task_frame* left = nullptr) noexcept;

/// How many open coroutines in `books` the calling thread is inside of.
std::size_t depth_in_books(const void* books, const task_frame* left = nullptr) noexcept;

bool inside_a_task_of(const void* executor) noexcept;

/// How many reports the calling thread is making to the sink of `executor` that it has borrowed.
std::size_t loans_from(const void* executor, const loan_frame* left = nullptr) noexcept;

/// Marks a call, from before it asks for a place among those of `in` until its task is stored.
class call_to_store {
public:
    explicit call_to_store(const lane_set& in) noexcept : frame_{&in, this_thread.entries} {
        enter_frame(this_thread.entries, frame_);
    }
    ~call_to_store() { end(); }
    call_to_store(const call_to_store&) = delete;
    call_to_store& operator=(const call_to_store&) = delete;

    /// It has no place and will have none. May be repeated.
    void end() noexcept { leave_frame(this_thread.entries, frame_.outer); }

private:
    entry_frame frame_;
};

/// How many of those the calling thread is inside of, at one pool.
std::size_t calls_to_store(const lane_set& in) noexcept;

/// Marks, for as long as it lives, that a task is being handed to an executor: if the executor
/// drops it there and then, it was refused, not abandoned. Known by a number and not by the task's
/// address, which another task may have by then.
class hand_over {
public:
    hand_over() noexcept { enter_frame(this_thread.handing_over, *this); }
    ~hand_over() { leave_frame(this_thread.handing_over, outer_); }
    hand_over(const hand_over&) = delete;
    hand_over& operator=(const hand_over&) = delete;

    /// Of none.
    static constexpr std::uint32_t no_number = 0;

    std::uint32_t number() const noexcept { return number_; }
    bool is_dropped() const noexcept { return is_dropped_; }

    /// Notes that the task of hand-over `number` is dropped, if that one is still under way on this
    /// thread; false if it is not.
    static bool note_dropped(std::uint32_t number) noexcept;

    /// The one of that number, if it is under way on this thread; else null.
    static hand_over* find(std::uint32_t number) noexcept;

private:
    static inline constinit std::atomic<std::uint32_t> last{0};

    /// Numbers are only compared, so their order does not matter: relaxed.
    static std::uint32_t next_number() noexcept;

    const std::uint32_t number_ = next_number();
    hand_over* const outer_ = this_thread.handing_over;
    bool is_dropped_ = false;
};

/// Marks that a sink runs on this thread.
class sink_scope {
public:
    sink_scope() noexcept { this_thread.in_sink = true; }
    ~sink_scope() { this_thread.in_sink = false; }
    sink_scope(const sink_scope&) = delete;
    sink_scope& operator=(const sink_scope&) = delete;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
