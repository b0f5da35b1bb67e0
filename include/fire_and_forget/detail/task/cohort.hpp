// SPDX-License-Identifier: MIT
#pragma once

// How the members of a set are counted, from which its owner knows that all are gone, and which of
// them are not to begin. ../adaptor/member_set.hpp has the cohorts of one set.

#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/stop_token.hpp"
#include "task_set.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class cohort;

/// How far a member is that leaves. One that was turned away has never come in.
enum class member_stage : std::uint8_t { waiting, begun, turned_away };

/// A set whose members are counted in cohorts, as those see it.
class counted_set : public task_set {
public:
    /// A member that is awaited, and may be the last, leaves by `leave_under_lock`, with the lock
    /// of the set held. *this may be gone afterwards.
    virtual void let_last_leave(cohort& its, member_stage at) noexcept = 0;

protected:
    ~counted_set() = default;
};

/// The members of a set that were fired between two cancellations, counted. A member has not begun
/// at first; one that repeats has not begun again between its runs.
///
/// Invariants  COHORT-1  All is in one word, and each change is a read-modify-write: so whether a
///                       member begins or is cancelled is decided in one step, and the number of
///                       those cancelled is exact.
///             COHORT-2  Who leaves touches neither the cohort nor its set afterwards, unless it is
///                       the last and is awaited: then it leaves under the lock of the set. Who
///                       waits has that lock after it, and may free both.
///             COHORT-3  Whether it is awaited changes under the lock only.
///             COHORT-4  Nobody comes into a cohort that is cancelled; who tries goes again, and
///                       meanwhile it only seems to have one more. Cohorts live as long as the set.
/// Orderings   COHORT-5  Leaving releases what the member did; who finds the cohort empty acquires
///                       it all.
/// Limits      2^30 members of one set at a time.
/// Cost        Three read-modify-writes for a member: it comes, begins and leaves.
/// Source      tests/models/cohort.pml
class alignas(cache_line) cohort : public library_memory {
public:
    explicit cohort(counted_set& of) noexcept : set(of) {}
    cohort(const cohort&) = delete;
    cohort& operator=(const cohort&) = delete;
    ~cohort() { give_back(timed); }

    // Members -------------------------------------------------------------------------------------

    /// False if it has been cancelled.
    bool try_enter() noexcept {
        const std::uint64_t before = word_.fetch_add(one + waiting, std::memory_order_acq_rel);
        if ((before & cancelled) == 0) [[likely]] {
            return true;
        }
        leave(member_stage::turned_away);
        return false;
    }

    /// For one more that has begun, beside a member that is there.
    void enter_begun() noexcept { word_.fetch_add(one, std::memory_order_relaxed); }

    /// Whether a member may begin; false if it was cancelled.
    bool begin() noexcept;

    /// A run of a member that repeats has ended. False if all were cancelled meanwhile: then the
    /// member stays among those that have begun.
    bool begin_again_later() noexcept;

    /// *this and the set may be gone afterwards.
    void leave(member_stage at) noexcept;

    counted_set& set;

    // The set, under its lock ---------------------------------------------------------------------

    /// Counts one out; true if none is left.
    bool leave_under_lock(member_stage at) noexcept;

    /// Returns how many had not begun, and will not.
    std::uint32_t cancel() noexcept;

    /// Makes it as new; false if any is there.
    bool try_renew() noexcept;

    void set_awaited(bool is_awaited) noexcept;

    bool is_empty() const noexcept { return (load() & all) == 0; } // COHORT-5
    bool is_cancelled() const noexcept { return (load() & cancelled) != 0; }

    struct counts {
        std::uint32_t all;
        std::uint32_t waiting;
    };
    counts count() const noexcept {
        const std::uint64_t now = load();
        return {static_cast<std::uint32_t>(now & all), waiting_in(now)};
    }

    /// Asks those to stop that wait for their time. Made when the first comes.
    stop_source timed = no_stop_source();
    bool has_timed = false;

    cohort* next = nullptr; ///< of the set's

private:
    static constexpr std::uint64_t one = 1;
    static constexpr std::uint64_t all = (std::uint64_t{1} << 31) - 1;
    static constexpr std::uint64_t waiting = std::uint64_t{1} << 31;
    static constexpr std::uint64_t all_waiting = all << 31;
    static constexpr std::uint64_t awaited = std::uint64_t{1} << 62;
    static constexpr std::uint64_t cancelled = std::uint64_t{1} << 63;

    static constexpr std::uint32_t waiting_in(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>((word & all_waiting) >> 31);
    }

    std::uint64_t load() const noexcept { return word_.load(std::memory_order_acquire); }

    static constexpr std::uint64_t less_by(member_stage at, std::uint64_t word) noexcept {
        const bool counts_as_waiting = at == member_stage::turned_away ||
                                       (at == member_stage::waiting && (word & cancelled) == 0);
        return word - one - (counts_as_waiting ? waiting : 0);
    }

    std::atomic<std::uint64_t> word_{0};
};

/// One member's part in a cohort, which ends with it.
class membership {
public:
    membership() noexcept = default;

    /// Of a member that has entered `its`.
    explicit membership(cohort& its) noexcept : of_(&its) {}

    membership(membership&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), has_begun_(other.has_begun_) {}
    membership& operator=(membership&& other) noexcept {
        membership taken(std::move(other));
        std::swap(taken.of_, of_);
        std::swap(taken.has_begun_, has_begun_);
        return *this;
    }

    /// *this and the set may be gone afterwards.
    ~membership() {
        if (cohort* const left = std::exchange(of_, nullptr)) {
            left->leave(has_begun_ ? member_stage::begun : member_stage::waiting);
        }
    }

    /// False if it was cancelled: then it must not run.
    bool begin() noexcept {
        has_begun_ = has_begun_ || of_->begin();
        return has_begun_;
    }

    /// After a run of many; false if that was to be the last.
    bool end_run() noexcept {
        has_begun_ = has_begun_ && !of_->begin_again_later();
        return !has_begun_;
    }

    /// One more in `its`, for what goes on beside a member.
    static membership of_begun(cohort& its) noexcept {
        its.enter_begun();
        membership more(its);
        more.has_begun_ = true;
        return more;
    }

    /// If so.
    cohort& its() const noexcept { return *of_; }

private:
    cohort* of_ = nullptr;
    bool has_begun_ = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
