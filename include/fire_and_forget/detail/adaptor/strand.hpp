// SPDX-License-Identifier: MIT
#pragma once

// The inside of the serial_executor of ../../serial_executor.hpp: what waits for its turn on
// another executor, and how the turn goes on from thread to thread.

#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/library_memory.hpp"
#include "../submit/any_core.hpp"
#include "../submit/untyped_call.hpp"
#include "../task/host.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "given_up_turn.hpp"
#include "turn_queue.hpp"

#include <atomic>
#include <cstdint>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Runs one thing after the other on the executor below, which it asks for one turn at a time.
///
/// Invariants  STRAND-1  The turn that there is (TURN-2) is with the executor below, or runs.
///             STRAND-2  Who has handed the turn on, or given it up, touches neither any more. The
///                       turn is a user of the strand, which goes when the last one has.
///             STRAND-3  What has entered is run in a turn, or dropped and reported in one that was
///                       destroyed, or refused together with it.
///             STRAND-5  It is a user of the strand that it stands on, if that is one: what waits
///                       below for its time comes in here later, when nobody else needs either.
/// Orderings   STRAND-4  What was stored before the call is there when its task runs, by the lock.
///                       Each task sees what the one before it did, on whichever thread: the
///                       executor below hands the turn over, and the lock one turn's end to
///                       the next one's beginning.
/// Limits      One that forked has a turn in its parent: in the child it refuses.
/// Source      tests/models/strand.pml
class strand : public stacked_scheduler, private suspended, public library_memory {
public:
    explicit strand(const any_core& on) noexcept;
    strand(const strand&) = delete;
    strand& operator=(const strand&) = delete;

    submission fire(const untyped_call& call);

    /// Takes `task`, or says why not and leaves it.
    refusal accept(task_ptr& task);
    void note_refused() const noexcept { core_.note_refused(); }
    scheduler& home() noexcept { return *this; }
    set_door* set() const noexcept { return set_; }
    refusal_sink refused_to() const noexcept { return core_.refused_to(); }

    /// Of a strand that stands on this one.
    refusal start_turn(suspended& turn) { return enter(turn, asker::caller); }

    // tasks and coroutines ask
    steady_time now() const noexcept override;
    refusal start_coroutine(suspended& one) override;
    bool resume_soon(suspended& one) noexcept override;
    bool resume_at(suspended& one) noexcept override { return timers().resume_at(one); }
    void notice_stop() noexcept override { timers().notice_stop(); }
    void notice_stop_of(watched& one) noexcept override { timers().notice_stop_of(one); }
    bool is_stopping() const noexcept override { return timers().is_stopping(); }
    void keep_scheduler() noexcept override;
    void release_scheduler() noexcept override;
    void repeat_after(task_ptr task, repetition answer) noexcept override;
    void notice_end() noexcept override { timers().notice_end(); }
    unsigned most_in_turn() const noexcept override { return timers().most_in_turn(); }
    task_observer* observer() const noexcept override { return core_.observer(); }
    helped help(reach how_far, function_ref<bool()> is_over) override {
        return timers().help(how_far, is_over);
    }
    pool* pool_of_worker() noexcept override { return timers().pool_of_worker(); }
    bool waits_for_this_thread() const noexcept override;

    void bring(task_ptr task) override;
    void add_user() noexcept override { users_.fetch_add(1, std::memory_order_relaxed); }
    void remove_user() noexcept override;

protected:
    virtual ~strand();

private:
    /// Who makes the turn begin: a call, which the executor below may refuse, or what it has
    /// accepted before.
    enum class asker : std::uint8_t { caller, accepted };

    refusal enter(const untyped_call& call);
    refusal enter(timer_node& item, asker by);
    refusal enter(turn_queue::pushed what, asker by);
    refusal enter_as_call(task_ptr& task);
    refusal start(asker by);

    fate run(waiting& one, const host& on);
    fate run_turn();
    void destroy_turn();
    void drop_rest(already_reported before = already_reported::none);

    /// Those of the executor below, which counts what runs here.
    scheduler& timers() const noexcept { return core_.home_or_default(); }

    bool is_in_its_process() const noexcept;

    const any_core core_; ///< below the sets that there may be: a turn may outlast those
    set_door* const set_; ///< the innermost of them; null: none
    std::atomic<std::uint32_t> users_{1};
    const std::uint32_t generation_;
    turn_queue queue_;
};

/// A strand is all that a serial_executor keeps, whether it has anything to do or not.
static_assert(sizeof(strand) <= 232 + sizeof(call_site));

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
