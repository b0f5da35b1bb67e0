// SPDX-License-Identifier: MIT
#pragma once

// The cohorts of one set: which of them members come into, how one is taken back as a whole, and
// whether all are empty. member_set.hpp has one under its lock.

#include "../platform/abi.hpp"
#include "../task/cohort.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Members come into the current cohort. To take back all that has not begun is to cancel that and
/// to go on with another one, which has been used before if one of those is empty by now.
///
/// Invariants  SCOPE-2  Members come into the current cohort only, and what sinks hold comes from a
///                      member. So who finds the other cohorts empty, then the current one, then no
///                      sink held, under the lock of the set, knows that all are gone.
///             SCOPE-3  The list only grows, at its front, under that lock; so who has read its
///                      front there may follow it without.
class cohort_list {
public:
    explicit cohort_list(counted_set& of) noexcept : first_(of), sinks_(of) {}
    cohort_list(const cohort_list&) = delete;
    cohort_list& operator=(const cohort_list&) = delete;
    ~cohort_list() = default; ///< what a forked child's parent has stays where it is

    /// To be called before, but in that child.
    void free_all() noexcept;

    membership enter() noexcept;

    /// For what a member has besides, and may be used when that is gone. It has begun.
    membership enter_sink() noexcept { return membership::of_begun(sinks_); }

    // Under the lock of the set -------------------------------------------------------------------

    struct cancellation {
        const cohort* of = nullptr;
        std::uint32_t many = 0; ///< that will not run
    };

    /// Of the current one, in whose place there is another one then. Throws std::bad_alloc, and
    /// nothing is cancelled then.
    cancellation cancel();

    /// Of the current one, when nobody will come any more. Takes no memory.
    cancellation cancel_for_good() noexcept;

    /// By all of those together.
    std::uint64_t cancelled() const noexcept { return cancelled_; }

    /// Whether all are gone, sinks as well. // SCOPE-2
    bool are_empty() const noexcept;

    /// But for what sinks hold.
    cohort::counts count() const noexcept;

    /// Whether their last member is to leave under the lock. // COHORT-3
    void set_awaited(bool are_awaited) noexcept;

    /// The newest one, which leads to the others. // SCOPE-3
    const cohort* front() const noexcept { return list_; }

private:
    cohort& current() const noexcept { return *current_.load(std::memory_order_relaxed); }
    cohort& next();

    cohort first_;
    cohort sinks_; ///< a begun member for each sink that may still be called
    cohort* list_ = &first_;
    std::atomic<cohort*> current_{&first_};
    bool are_awaited_ = false;
    std::uint64_t cancelled_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
