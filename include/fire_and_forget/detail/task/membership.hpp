// SPDX-License-Identifier: MIT
#pragma once

// That a task belongs to a set with an owner who waits for its end, and how the tasks of a set are
// counted. The sets are those of ../adaptor/member_set.hpp; run_task.hpp and ../coroutine/chain.hpp
// know what the running task belongs to.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/asymmetric_barrier.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/platform.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/thread_state.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class cohort;
class task_node;
struct task_discarder;
using task_ptr = std::unique_ptr<task_node, task_discarder>;

/// How far a member is that leaves. One that was turned away has never come in.
enum class member_stage : std::uint8_t { waiting, begun, turned_away };

/// Something that is told once when a set is quiet. It may be gone afterwards, and so may the set.
struct quiet_listener {
    void (*tell)(quiet_listener& self) = nullptr;
    quiet_listener* next = nullptr;
};

/// What came of an offer to listen.
enum class listening : std::uint8_t { begun, needless, impossible };

/// A set of tasks, as its members see it, and who waits for it without a thread.
class task_set {
public:
    /// What members get that take a stop_token.
    virtual stop_token token() const noexcept = 0;

    /// Has `one` told when it is quiet, which it may be by now. Impossible in a forked child.
    virtual listening listen(quiet_listener& one) noexcept = 0;

    /// False if `one` has been told, or is being told.
    virtual bool stop_listening(quiet_listener& one) noexcept = 0;

    /// A member that is awaited, and may be the last, leaves by `leave_under_lock`, with the lock
    /// of the set held. *this may be gone afterwards.
    virtual void let_last_leave(cohort& its, member_stage at) noexcept = 0;

protected:
    ~task_set() = default;
};

/// What executors know of a set that stand on one whose tasks belong to it.
class set_door {
public:
    /// Has `task`, which somebody else keeps and runs, belong to it; or says why not, and counts
    /// that. What is never taken then is to be withdrawn, and is what it was.
    virtual refusal enroll(task_ptr& task) = 0;
    virtual void withdraw(task_ptr& task) noexcept = 0;

    /// Asked to stop with the set.
    virtual stop_token token() const noexcept = 0;

protected:
    ~set_door() = default;
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
class alignas(cache_line) cohort {
public:
    explicit cohort(task_set& of) noexcept : set(of) {}
    cohort(const cohort&) = delete;
    cohort& operator=(const cohort&) = delete;

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

    task_set& set;

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

    /// Whether it is one, and has not been taken away.
    bool is_any() const noexcept { return of_ != nullptr; }

    /// If so.
    cohort& its() const noexcept { return *of_; }

private:
    cohort* of_ = nullptr;
    bool has_begun_ = false;
};

/// What a task belongs to while its code runs on this thread, innermost set first.
struct member_frame {
    const task_set* set = nullptr;
    membership* held = nullptr; ///< which a coroutine takes with it
    const member_frame* outer = nullptr;

    /// The task's own token; null if it has none. Both as one are made when first asked for.
    const stop_token* own = nullptr;
    std::unique_ptr<linked_stop_source>* both = nullptr;

    /// Of a frame without a set: what a thread is inside of that waits for the code.
    const task_frame* awaited_in = nullptr;

    /// What the code is to see. Throws if there is no memory for it.
    stop_token token() const;
};

/// Whether the calling thread is inside a member of `set`.
bool inside_a_member_of(const task_set& set) noexcept;

/// The same of a thread whose innermost task is `task`, and which stays in it meanwhile.
bool inside_a_member_of(const task_set& set, const task_frame* task) noexcept;

/// Whether that is one of those from `innermost` outwards.
bool is_among(const task_set& set, const member_frame* innermost) noexcept;

/// Whether the task is one that it runs, whatever it was doing when it came to that.
bool runs_a_member_of(const task_set& set) noexcept;

/// Marks what the code that runs here is awaited by: a thread inside of a task, and the members
/// that a coroutine awaits it for, each of which can't end before it. Null: nobody.
class awaited_inside {
public:
    awaited_inside(const task_frame* by_thread, const member_frame* by_members) noexcept;
    ~awaited_inside();
    awaited_inside(const awaited_inside&) = delete;
    awaited_inside& operator=(const awaited_inside&) = delete;

    /// Those may be gone from here on, or are there after all.
    void hide() noexcept { frame_.members = nullptr; }
    void show() noexcept { frame_.members = &both_; }

private:
    const bool is_any_;
    member_frame both_;
    task_frame frame_;
};

/// Marks that a member's closure is destroyed here, or what is left of its coroutine.
class end_of_member {
public:
    explicit end_of_member(const member_frame* of) noexcept;
    ~end_of_member() { this_thread.running = frame_.outer; }
    end_of_member(const end_of_member&) = delete;
    end_of_member& operator=(const end_of_member&) = delete;

private:
    task_frame frame_;
};

/// The membership of a coroutine, which lasts until its frames are gone.
struct kept_membership {
    std::unique_ptr<kept_membership> outer{};
    membership held{};
    stop_token own{};
    std::unique_ptr<linked_stop_source> both{};
    member_frame frame{};

    void keep(const member_frame& of, bool repeats) noexcept;
};

/// Null if there are none. Throws if there is no memory for it; then all is as it was. Of a task
/// that repeats only one more is taken: its own lasts for the runs to come.
std::unique_ptr<kept_membership> keep_memberships(const member_frame* innermost, bool repeats);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
