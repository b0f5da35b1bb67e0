// SPDX-License-Identifier: MIT
#pragma once

// Who wakes whom. A submit comes here after it has stored its task, a worker when it runs out of
// tasks; lanes.hpp has one.

#include "../platform/abi.hpp"
#include "../platform/alarm_clock.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/time.hpp"
#include "../platform/waited_atomic.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Lets idle workers sleep, and lets a submit skip the wake-up while one is awake and looking.
///
/// Shape       One word holds how many workers sleep (parked, or not yet hired), whether one is
///             awake and *looking* for tasks, and whether a worker is being *rung* for. Sleepers
///             wait on epoch_.
/// Orderings   BELL-1  A submit publishes its task, passes a light barrier and reads the word. A
///                     worker enters the word as asleep, passes a heavy barrier and looks into the
///                     lanes once more before it waits. One of the two sees the other.
///             BELL-2  The worker reads epoch_ before it enters as asleep, and waits only while
///                     epoch_ has that value: a call in between is not missed.
/// Invariants  BELL-3  Every transition of the word is one read-modify-write, in a
///                     member with a name.
///             BELL-4  epoch_ grows with each call and with nothing else.
///             BELL-5  At most one worker looks. It has set `looking` itself and clears it itself.
///             BELL-6  `ringing` is set by the one who will call a sleeper, and cleared by every
///                     worker that falls asleep or wakes, and by a caller that
///                     found nobody to call.
///             BELL-7  held_ is stored by the one who looks, and read by nobody: the store only
///                     fetches the line on which the word is.
/// Limits      Two races are left, because ruling them out would take a heavy barrier for each task
///             that is found. A submit that reads `looking` or `ringing` in the instant in which
///             that worker leaves with another task finds nobody, though a third may be asleep. And
///             a call may meet a worker that is just waking by itself, for another task. A worker
///             that runs out of tasks looks again, so both matter only if all who are awake are
///             kept by long tasks: then the keeper's tick calls. It also calls when nothing gets on
///             while somebody looks or is rung for: a thread may have been stopped, or a call lost.
///             So who rings tells the keeper.
/// Cost        is_needed() is one load of a word that changes only when workers fall asleep, wake
///             or take turns at looking. A call is a system call of 2-3 us. A turn ends before the
///             task that was found starts, with a step on a line that its submit has just read:
///             70 ns, if that were fetched only then. It is fetched back while the task's own line
///             is on its way here. One submit in 60, which begins a block, waits longer for that.
/// Source      Vyukov, eventcount; P1202 asymmetric fences. tests/models/doorbell.pml.
class doorbell {
public:
    /// A worker's turn at looking.
    enum class turn : std::uint8_t { mine, of_another };

    static constexpr std::uint32_t most_sleepers = 0xFFFF;

    explicit doorbell(std::uint32_t sleepers = 0) noexcept : word_(sleepers) {}

    /// The same, before its first use.
    void begin(std::uint32_t sleepers) noexcept;

    /// From now on only workers ring: submits see no need to.
    void leave_to_workers() noexcept { word_.fetch_or(hushed); }
    void leave_to_all() noexcept { word_.fetch_and(~hushed); }

    // Submits -------------------------------------------------------------------------------------

    /// After a light barrier: whether a sleeper must be called.
    bool is_needed() const noexcept { // BELL-1
        return word_.load(std::memory_order_relaxed) - 1 < all_sleepers;
    }

    /// Makes the caller the one who will call a sleeper, unless none sleeps, or one is awake and
    /// looking, or is being called already.
    bool try_ring() noexcept;

    /// Calls one sleeper, if one waits. After try_ring(), or to make sure.
    void call_one() noexcept;

    /// Takes back try_ring(): there was nobody to call.
    void give_up_ring() noexcept { word_.fetch_and(~ringing); } // BELL-6

    void call_all() noexcept;

    /// Ends the nap of the one who looks, if it naps: for who must not be late, and may make a
    /// system call.
    void call_napper() noexcept;

    // Workers -------------------------------------------------------------------------------------

    turn try_look() noexcept;

    /// Of the one whose turn it is and who finds nothing, again and again: has the word's line back
    /// here when the next task comes, whose submit has read the word.
    void hold_line() noexcept { held_.store(0, std::memory_order_relaxed); } // BELL-7

    /// Ends a turn because of a find. True if somebody sleeps who may be needed now.
    bool stop_looking() noexcept { return (word_.fetch_and(~looking) & all_sleepers) != 0; }

    /// What to read before going to sleep, and to wait on.
    std::int32_t epoch() const noexcept { return epoch_.load(std::memory_order_acquire); } // BELL-2

    /// Enters the caller as asleep and ends its turn. It must pass a heavy barrier and look into
    /// the lanes before it waits.
    void fall_asleep(turn whose) noexcept;

    /// The same for a caller whose turn it is not, where somebody must look: takes the turn if it
    /// is free, and stays awake.
    turn look_or_fall_asleep() noexcept;

    void wait(std::int32_t seen) const noexcept { epoch_.wait(seen); } // BELL-2

    /// Instead of sleeping: for the one whose turn it is, who looks again at `end`. It reads the
    /// calls before it looks for the last time.
    std::uint32_t calls_of_napper() const noexcept { return nap_.calls(); } // ALARM-1
    void nap(std::uint32_t seen, steady_time end) noexcept { nap_.sleep(seen, end); }

    /// The caller, until now counted as asleep, is awake. It looks until it finds nothing before it
    /// falls asleep again: as the one whose turn it is, if that was free.
    turn wake_up() noexcept;

    // Watchers ------------------------------------------------------------------------------------

    /// All have been hired and are awake, and nobody looks or was rung for.
    bool nobody_is_idle() const noexcept {
        return (word_.load(std::memory_order_relaxed) & ~hushed) == 0;
    }

    std::uint32_t sleepers() const noexcept { return word_.load() & all_sleepers; }
    bool has_looker() const noexcept { return (word_.load() & looking) != 0; }

    /// Whether somebody was rung for who has not come yet.
    bool is_ringing() const noexcept { return (word_.load() & ringing) != 0; }

private:
    static constexpr std::uint32_t all_sleepers = 0xFF'FFFF; ///< more than enough: no overflow
    static constexpr std::uint32_t looking = 1U << 24U;
    static constexpr std::uint32_t ringing = 1U << 25U;
    static constexpr std::uint32_t hushed = 1U << 26U; ///< submits see no need to ring

    alignas(cache_line) std::atomic<std::uint32_t> word_;
    std::atomic<std::uint32_t> held_{0}; ///< of no meaning // BELL-7
    alignas(cache_line) waited_atomic<std::int32_t> epoch_{0};
    alarm_clock nap_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
