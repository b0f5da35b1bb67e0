// SPDX-License-Identifier: MIT
#pragma once

// Who works in a pool: who is woken or hired for a task, and who leaves. growth.hpp sees to it that
// there are enough; worker_loop.hpp is what they do.

#include "../../call_site.hpp"
#include "../../options.hpp"
#include "../executor/quiescence.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../executor/sink_lending.hpp"
#include "../executor/thread_start.hpp"
#include "../platform/abi.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/time.hpp"
#include "../queue/doorbell.hpp"
#include "../queue/lanes.hpp"
#include "worker.hpp"
#include "worker_roster.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Invariants  STAFF-1  Each of the pool's places for a worker is vacant or has a worker. A vacant
///                      one counts as a sleeper of the doorbell: being rung for, it is filled. It
///                      becomes both in one go under the mutex: a slow ring must not fill it before
///                      it is a sleeper.
///             STAFF-2  While workers are blocked there are extra places besides. They are never
///                      vacant: hiring makes one, and whoever leaves first gives one up before a
///                      place becomes vacant.
class workforce {
public:
    /// A worker's thread runs `live(&owner, record)`, which begins an employment.
    workforce(const pool_options& asked, lane_set& lanes, shutdown_participant& owner,
              quiescence& quiet, const host& lent, sink_lending& sinks, thread_body live);
    workforce(const workforce&) = delete;
    workforce& operator=(const workforce&) = delete;

    // How many ------------------------------------------------------------------------------------

    std::uint32_t places() const noexcept { return size_; }
    std::uint32_t most_places() const noexcept { return most_; }
    /// Whether workers may claim tasks that they do not begin at once. A task that waits for an
    /// earlier one relies on that having been begun. A single worker begins them in order; and
    /// where many may be hired, each of them begins what is claimed first.
    bool may_take_runs() const noexcept { return most_ == 1 || most_ - size_ >= many; }

    std::uint32_t vacancies() const noexcept { return vacancies_.load(std::memory_order_relaxed); }
    std::uint32_t extra_places() const noexcept { return extra_.load(std::memory_order_relaxed); }

    /// Whether another worker would come if there was something to do.
    bool is_another_free() const noexcept { return bell_.sleepers() > vacancies(); }

    /// Whether a worker sleeps that is to end.
    bool has_stragglers() const noexcept { return is_dismissed() && is_another_free(); }

    /// Under the mutex.
    worker_roster& roster() noexcept { return workers_; }
    const worker_roster& roster() const noexcept { return workers_; }

    // Waking and hiring ---------------------------------------------------------------------------

    void ring(call_site where);

    /// Whose ring it is that a call answers. Only its owner takes it back.
    enum class ring_of : std::uint8_t { caller, somebody_else };

    /// Wakes a worker, or fills a vacant place if none is asleep. After try_ring(), or to make
    /// sure. Does not wait for whoever has stopped with the lock: the keeper will try again.
    void call_or_hire(const call_site& where, ring_of whose);

    /// Fills a vacant place, if there is one, without a ring.
    void hire_usual();

    /// Hires one for a worker that is blocked; false if that can't be now.
    bool hire_extra();

    // What workers do -----------------------------------------------------------------------------

    /// The working life of the calling thread, from its start to its end, even where a task ends it
    /// by force.
    class employment {
    public:
        employment(workforce& in, worker& its);
        ~employment();
        employment(const employment&) = delete;
        employment& operator=(const employment&) = delete;

        void end_in_order() noexcept { is_forced_ = false; }

    private:
        workforce& in_;
        worker& self_;
        bool is_forced_ = true;
    };

    /// Whether workers are to leave when they find nothing more.
    bool is_dismissed() const noexcept { return is_dismissed_.load(std::memory_order_acquire); }

    /// The caller, who counted as asleep, is awake.
    void wake_up(worker& self);

    /// Where workers wake each other, one of them naps and looks as long as nobody else is awake.
    bool has_napper() const noexcept { return options_.wake_up == wake::by_worker; }

    // Who waits, and the end ----------------------------------------------------------------------

    /// A thread whose task calls exit() does not come back: another takes its place.
    void note_exit();

    void dismiss() noexcept;

    /// Ends and joins every worker but those in a task that was written off; these go when it ends.
    /// So do those that do not come for a long time: their threads may have been stopped.
    void dismiss_until(steady_time deadline);

private:
    enum class hired_as : std::uint8_t { usual, extra };

    static constexpr std::uint32_t many = 64;

    thread_trouble hire(std::unique_lock<std::mutex>& lock, const call_site& where);
    worker* fill_vacancy(const call_site& where, thread_trouble& trouble);
    worker* enroll(hired_as what, const call_site& where, thread_trouble& trouble);
    thread_trouble start(worker& recruit, const call_site& where);
    void report(const thread_trouble& trouble);
    void give_up_place() noexcept;
    void note_vacancy() noexcept;
    void leave(worker& self, bool is_forced);

    const pool_options& options_;
    const std::uint32_t size_; ///< places
    const std::uint32_t most_; ///< the same with extra ones
    lane_set& lanes_;
    doorbell& bell_;
    shutdown_participant& owner_;
    quiescence& quiet_;
    const host& lent_;
    sink_lending& sinks_;
    const thread_body live_;
    worker_roster workers_;
    std::atomic<bool> is_dismissed_{false};
    std::atomic<std::uint32_t> vacancies_;
    std::atomic<std::uint32_t> extra_{0}; ///< places; changes under the mutex
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
