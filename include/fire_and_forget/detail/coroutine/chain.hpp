// SPDX-License-Identifier: MIT
#pragma once

// A fired coroutine as a whole: all the frames that wait for each other, from the one that was
// fired to the one that runs or waits. fired_coroutine.hpp and oneway_task.hpp start one, a
// scheduler continues it.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "../platform/platform.hpp"
#include "../platform/stop_token.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/foreign_executor.hpp"
#include "../task/member_frame.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "chain_account.hpp"
#include "chain_details.hpp"
#include "stretch.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class held_home;

/// Invariants  CHAIN-1  At any time one thread runs it (now_ leads to its stretch), or it is
///                      suspended and belongs to whoever will resume it. Handing it over publishes
///                      all it wrote; that is the business of the scheduler's or the completion's
///                      own locks and orders.
///             CHAIN-2  Before it is handed over it departs, which tells its account, and the
///                      executor that runs it; if it stays after all, it says that as well.
///             CHAIN-3  Frames are destroyed from the innermost outwards, in a loop: a long chain
///                      must not overflow the stack when it is given up.
class chain : public suspended {
public:
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;

    stretch& now() noexcept { return *now_; }

    /// Says which of its coroutines is to run next, or when it is resumed.
    void set_next(std::coroutine_handle<> frame, frame_link& link) noexcept;

    /// Has it come to rest where `waiting` is, and then leave its thread by `how`.
    template <class Promise>
    void rest_at(std::coroutine_handle<Promise> waiting, stretch::departure how,
                 void* awaiter) noexcept {
        set_next(waiting, waiting.promise());
        now_->leave_by(how, awaiter);
    }

    scheduler* on() const noexcept { return account_.on(); }

    /// Where it waits: on an executor of somebody else's, that is the default pool, or the executor
    /// on which it goes on afterwards.
    held_home next_on() const noexcept;

    /// The executor on which it goes on after its next wait, while it runs in the thread that has
    /// ended one; or none.
    kept_scheduler back_to() const noexcept;

    /// Whether it goes on at an executor of somebody else's after each wait.
    bool is_settled_elsewhere() const noexcept {
        return details_ != nullptr && details_->of_task.stays_with != nullptr;
    }

    /// Whether this thread may hand it over there. An executor that runs its jobs at once would
    /// have one run inside the other, without end; what hands something over already goes there
    /// from where it waits.
    bool may_go_elsewhere() const noexcept;

    /// From here on it does so there, or nowhere. False without memory, and then nothing is done;
    /// else `place` is what it was before.
    bool settle_at(std::shared_ptr<foreign_executor>& place) noexcept;

    /// Has it go on there; a departure of its stretch.
    static bool leave_for_its_own(chain& leaving, void*);

    /// It has waited and goes on there, not where it has waited: what the books are to list
    /// from here on. Null if it goes on here, or is listed already, or not counted. While it is the
    /// caller's, as the next two.
    away_entry* leave_home() noexcept;

    /// It has waited at `at` and goes on, here or there. *this may be gone afterwards.
    void go_on_from(scheduler& at);

    /// The same on this thread, up to its next wait. Calls `left` when `at` may forget it. False,
    /// and nothing is done, if that can't be.
    bool go_on_here(scheduler& at, function_ref<void()> left);

    /// Who counts it; null if nobody does so yet, or any more.
    scheduler* home() const noexcept { return account_.home(); }

    /// Before it starts.
    void begin_on(scheduler* first) noexcept { account_.begin_on(first); }

    /// To be called before it is handed over to `to`, where it is to go on. False without memory
    /// for what it needs there; then it stays. // CHAIN-2
    bool depart_to(scheduler* to) noexcept;

    /// Nobody has taken it: it goes on, on the executor it has run on, or in the thread that has
    /// ended its wait; then it waits next at `back`, or else where it was refused. // CHAIN-2
    void stay_on(scheduler* before, const kept_scheduler& back = {}) noexcept;

    /// Whoever closes its executor gives it up while others may still touch its frames: its end has
    /// come, but it is not yet destroyed. False if that has been reported before.
    bool give_up();

    /// Whether it is asked to stop, by its own token or its executor's. While it runs.
    bool is_asked_to_stop() const noexcept;
    bool is_asked_by_own_token() const noexcept;

    /// A token that both stop. While it runs.
    stop_token token();

    stop_token own_token() const noexcept;

    /// Whether its own token also ends waits for completions: it is one of several that
    /// somebody awaits at once.
    bool ends_waits_on_stop() const noexcept {
        return details_ != nullptr && details_->ends_waits_on_stop;
    }

    /// Starts it where `parent` is, which runs and awaits it with others. Nobody counts it: its end
    /// is its parent's affair. `stop` is its own token, and ends all its waits if `ends_waits`; it
    /// may be gone afterwards.
    void begin_beside(chain& parent, const stop_token& stop, bool ends_waits);

    /// Whether a member of `set` can't end before it, but for what it is a member of itself.
    bool is_awaited_in(const task_set& set) const noexcept;

    chain_details* details() noexcept { return details_.get(); }

    /// Reports an exception of what it awaited besides. While it runs.
    void report_beside(const std::exception_ptr& why) const;

    /// Settles it where it can't be continued any more.
    static void abandon(chain& lost, std::string_view why);

protected:
    /// Of a type that has `how_it_ends`. That is known to two functions only: a pointer less.
    template <class Derived>
    explicit chain(std::in_place_type_t<Derived>) noexcept {
        is_resumption = true;
        does = &is_chain<Derived>;
    }
    ~chain() = default;

    /// The task that it goes on from. Throws if there is no memory for its details.
    void adopt(const task_run& first);

private:
    friend class stretch;

    static constexpr std::string_view closed_while_waiting = "its executor closed while it waited";

    void leave_library() noexcept;
    void leave_library_till_back_at(scheduler& at) noexcept;
    void hand_over_to_its_own();

    task_ptr take_repeated() noexcept;

    const member_frame* members() const noexcept {
        return details_ != nullptr && details_->members != nullptr ? &details_->members->frame
                                                                   : nullptr;
    }

    /// For as long as it runs here.
    awaited_inside awaited() const noexcept {
        return details_ != nullptr
                   ? awaited_inside(details_->awaited_by_thread, details_->awaited_by_members)
                   : awaited_inside(nullptr, nullptr);
    }

    bool move_to(scheduler* to, const scheduler* ran_on) noexcept;

    /// For the books of its home, from which it goes away. It has details.
    away_entry& leave(const scheduler* ran_on) noexcept;

    fate go_home();

    bool make_details() noexcept;

    void report_abandoned(std::string_view why) const;

    stored_task for_reports() const noexcept;
    stored_task task_of(stretch& run) const noexcept;

    template <class Derived>
    static fate resume_chain(suspended& one) {
        const task_frame& here = *this_thread.running;
        const host& on = *static_cast<const host*>(here.on);
        auto& self = static_cast<chain&>(one);
        if (self.account_.keeps_place() && here.via != self.on()) {
            return self.go_home();
        }
        const steady_time started = self.details_ ? self.details_->started : steady_time();
        const scheduler* const in_books_of = self.home();
        stretch next(self, Derived::how_it_ends);
        if (self.on() == nullptr) {
            next.be_job();
        } else if (self.is_settled_elsewhere()) {
            next.leave_by(&leave_for_its_own, nullptr);
        }
        awaited_inside by_others = self.awaited();
        next.note_awaited(by_others);
        task_run run(self.task_of(next), on);
        run.set_members(self.members());
        if (here.via != nullptr) {
            run.be_part_of_turn(*here.via);
        }
        const fate ended =
            run.resumed(started, in_books_of != nullptr ? &in_books_of->books : nullptr);
        return next.settle(ended, run.answer());
    }

    template <class Derived>
    static bool destroy_chain(suspended& one) {
        auto& self = static_cast<chain&>(one);
        const bool is_news = self.account_.is_still_counted();
        if (is_news && self.is_abandoned) {
            self.report_abandoned(closed_while_waiting);
        }
        stretch last(self, Derived::how_it_ends);
        const end_of_member here(self.members());
        discard(self.task_of(last));
        static_cast<void>(last.settle(fate::dropped));
        return is_news;
    }

    static bool wants_to_wake(const suspended& sleeper) {
        const auto& self = static_cast<const chain&>(sleeper);
        return self.is_asked_by_own_token() || self.on()->is_stopping();
    }

    template <class Derived>
    static constexpr suspended_type is_chain{&resume_chain<Derived>, &destroy_chain<Derived>,
                                             &wants_to_wake};

    /// All frames but the outermost. // CHAIN-3
    void destroy_awaited();

    static constexpr task_vtable runs_stretch{
        [](void* self, task_run& run) {
            static_cast<stretch*>(self)->attach(run);
            static_cast<stretch*>(self)->go();
        },
        [](void* self) { static_cast<stretch*>(self)->destroy_chain(); }, 0, 1};

    chain_account account_;
    stretch* now_ = nullptr;
    std::coroutine_handle<> next_{}; ///< the one that runs, while one does
    frame_link* next_link_ = nullptr;
    std::unique_ptr<chain_details> details_;
};

inline stretch::stretch(chain& of, const chain_type& type) noexcept : of_(&of), type_(type) {}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
