// SPDX-License-Identifier: MIT
#pragma once

// Which executor counts a chain of coroutines (chain.hpp), wherever that is.

#include "../platform/abi.hpp"
#include "../task/coroutine_books.hpp"
#include "../task/scheduler.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A chain's place, and its account in the books of its home: of the executor that it was fired at,
/// or of the first of the library where it waits. One that ends in its first stretch never has one:
/// it is a task like others. The chain has it, and at the end who destroys the chain.
///
/// Invariants  ACCOUNT-1  While it is away its home is kept, and has it on its list until it is
///                        back, has ended or is written off there.
///             ACCOUNT-2  Once its end has been counted it has no home: nothing is counted twice.
///             ACCOUNT-3  A stacked_scheduler that it is on is kept until it is on another one.
class chain_account {
public:
    // Where it is ---------------------------------------------------------------------------------

    /// Null on an executor of somebody else's.
    scheduler* on() const noexcept { return on_; }

    bool keeps_place() const noexcept { return keeps_place_; }

    /// Before it starts. It is not kept there yet.
    void begin_on(scheduler* first) noexcept { on_ = first; }

    /// Keeps where it is from now on, if that is a stacked_scheduler.
    void keep_place() noexcept;
    void leave_place() noexcept;

    // Who counts it -------------------------------------------------------------------------------

    /// Null if nobody does so yet, or any more.
    scheduler* home() const noexcept {
        return is_ended_ ? nullptr : away_ != nullptr ? away_->home : on_;
    }

    /// Whether it is not counted where it is.
    bool is_guest() const noexcept { return is_ended_ || away_ != nullptr; }

    /// Whether its end is still to be reported. From here on nobody else writes it off.
    bool is_still_counted() noexcept;

    /// Nobody is to count it.
    void begin_uncounted() noexcept { is_ended_ = true; }

    /// Enters it, if it has a home. One that has `ran_on` an executor of somebody else's is
    /// accepted there only now.
    void open(const scheduler* ran_on) noexcept;

    /// Whether it would be away at `to`, and is not yet.
    bool leaves_home_for(const scheduler* to) const noexcept;

    /// Then: opens it, and leaves `away` to be listed by its home.
    void leave_home(away_entry& away, const scheduler* ran_on) noexcept;

    /// It is to go on at `to`.
    void move_to(scheduler* to) noexcept;

    /// Its end has been counted by who gave it up while it ran.
    void note_given_up() noexcept;

    /// The same by this, where it is.
    void write_off() noexcept;

    /// Its end, after a run on `ran_on` or none. What the run is to be counted
    /// as. // BOOKS-1 BOOKS-2
    fate close(fate how, const scheduler* ran_on, task_ptr repeated,
               repetition answer = repetition::go_on) noexcept;

private:
    void open_at(scheduler& its, const scheduler* ran_on) noexcept;

    scheduler* on_ = nullptr;
    away_entry* away_ = nullptr; ///< in the chain's details, while it is away
    bool is_open_ = false;
    bool is_ended_ = false; ///< its end has been counted, which may be before it has come
    bool keeps_place_ = false;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
