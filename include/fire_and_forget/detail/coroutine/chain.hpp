// SPDX-License-Identifier: MIT
#pragma once

// A fired coroutine as a whole: all the frames that wait for each other, from the one that was fired
// to the one that runs or waits. coroutine.hpp starts it, a scheduler continues it.

#include "../../error_report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/either_stop.hpp"
#include "../platform/platform.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../pool/default_pool.hpp"
#include "../task/run_task.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "stretch.hpp"

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Thrown by a co_await in a task that was asked to stop: it is meant to unwind the coroutine. Where
/// it leaves the outermost one, the task is reported as cancelled and not as failed.
class task_cancelled : public std::exception {
public:
    const char* what() const noexcept override { return "the task was asked to stop"; }
};

namespace detail {

/// Without exceptions, what was to be cancelled ends early instead.
#if defined(__cpp_exceptions)
[[noreturn]] inline void throw_cancelled() {
    throw task_cancelled();
}
#else
inline void throw_cancelled() {}
#endif

/// For what the program does wrong, where it can be told there.
[[noreturn]] inline void throw_misuse([[maybe_unused]] const char* what) {
#if defined(__cpp_exceptions)
    throw std::logic_error(what);
#else
    std::abort();
#endif
}

/// What only coroutines have that were fired with options, or ask for both stop_tokens.
struct chain_details {
    /// Its own token and that of an executor it has been on, as one.
    struct token_on {
        stop_token of_executor;
        either_stop both;
        std::unique_ptr<token_on> before;

        token_on(const stop_token& own, const stop_token& on) : of_executor(on), both(own, on) {}
    };

    task_details of_task;
    steady_time due; ///< the times of its first stretch, for reports
    steady_time started;
    std::unique_ptr<token_on> tokens{}; ///< of the executors it has asked for one on, latest first
    std::optional<stop_watch> watch{};  ///< while it sleeps
    scheduler* home = nullptr;          ///< while it is away
    away_entry away{};
    task_ptr repeated{}; ///< while it waits: what is to be run again when it has ended
};

/// Invariants  K1  At any time one thread runs it (now_ leads to its stretch), or it is suspended
///                 and belongs to whoever will resume it. Handing it over publishes all it wrote;
///                 that is the business of the scheduler's or the completion's own locks and orders.
///             K2  It is in the books of its home: the executor it was fired at, or the first of the
///                 library where it waits. Before it is handed over it departs, which says so there
///                 and to the executor that runs it; if it stays after all, it says that as well.
///             K3  Frames are destroyed from the innermost outwards, in a loop: a long chain must
///                 not overflow the stack when it is given up.
class chain : public suspended {
public:
    chain(const chain&) = delete;
    chain& operator=(const chain&) = delete;

    stretch& now() noexcept { return *now_; }

    /// Says which of its coroutines is to run next, or when it is resumed.
    void set_next(std::coroutine_handle<> frame, frame_link& link) noexcept {
        next_ = frame;
        next_link_ = &link;
    }

    scheduler* on() const noexcept { return on_; }

    /// Where it goes on if nothing else is said: on an executor of somebody else's, that is the
    /// default pool.
    scheduler* next_on() const noexcept { return on_ != nullptr ? on_ : &default_scheduler(); }

    /// Who counts it; null if nobody does so yet, or any more.
    scheduler* home() const noexcept {
        return is_given_up ? nullptr : is_away ? details_->home : on_;
    }

    /// Before it starts.
    void begin_on(scheduler* first) noexcept { on_ = first; }

    /// To be called before it is handed over to `to`, where it is to go on. False without memory for
    /// what it needs there; then it stays. // K2
    bool depart_to(scheduler* to) noexcept {
        if (running_item* const item = now_->item(); item != nullptr && !item->pass_on(*item)) {
            leave_books();
        }
        if (!move_to(to)) {
            stay_on(on_);
            return false;
        }
        open();
        is_guest = is_given_up || is_away;
        if (task_node* const repeated = now_->run().lend()) {
            details_->repeated.reset(repeated); // it has details, for it has options
        }
        return true;
    }

    /// Nobody has taken it: it goes on, on the executor it has run on. // K2
    void stay_on(scheduler* before) noexcept {
        if (before != nullptr) { // else it stays with the default pool, to which it has come
            static_cast<void>(move_to(before)); // for which it has the memory
        }
        if (now_->run().has_lent()) {
            now_->run().take_back(*details_->repeated.release());
        }
        running_item* const item = now_->item();
        if (item == nullptr || item->come_back(*item) || is_given_up || is_away) {
            return;
        }
        report_abandoned("it was still running when its time was up");
        on_->books.note_end(fate::dropped);
        leave_books();
    }

    /// Whoever closes its executor gives it up while others may still touch its frames: its end has
    /// come, but it is not yet destroyed. False if that has been reported before.
    bool give_up() {
        const bool is_news = is_still_counted();
        if (is_news && is_abandoned) {
            report_abandoned(closed_while_waiting);
        }
        static_cast<void>(account().close(fate::dropped, nullptr, take_repeated()));
        is_abandoned = false;
        is_given_up = true;
        is_away = false;
        return is_news;
    }

    /// Whether it is asked to stop, by its own token or its executor's. While it runs.
    bool is_asked_to_stop() const noexcept {
        return is_asked_by_own_token() || now_->run().on().stop.stop_requested();
    }
    bool is_asked_by_own_token() const noexcept {
        return details_ != nullptr && details_->of_task.stop.stop_requested();
    }

    /// A token that both stop. While it runs.
    stop_token token() {
        const host& host = now_->run().on();
        if (details_ == nullptr || !details_->of_task.stop.stop_possible()) {
            return host.stop;
        }
        std::unique_ptr<chain_details::token_on>& latest = details_->tokens;
        for (auto* one = latest.get(); one != nullptr; one = one->before.get()) {
            if (one->of_executor == host.stop) {
                return one->both.get_token();
            }
        }
        auto fresh = std::make_unique<chain_details::token_on>(details_->of_task.stop, host.stop);
        fresh->before = std::move(latest);
        latest = std::move(fresh);
        return latest->both.get_token();
    }

    chain_details* details() noexcept { return details_.get(); }

    /// Settles it where it can't be continued any more.
    static void abandon(chain& lost, std::string_view why) {
        if (lost.is_still_counted()) {
            lost.report_abandoned(why);
        }
        lost.destroy(lost);
    }

protected:
    /// Of a type that has `how_it_ends`. That is known to the two functions only: a pointer less.
    template <class Derived>
    explicit chain(std::in_place_type_t<Derived>) noexcept {
        is_resumption = true;
        resume = &resume_chain<Derived>;
        destroy = &destroy_chain<Derived>;
        wants_to_stop = [](const suspended& sleeper) {
            const auto& self = static_cast<const chain&>(sleeper);
            return self.is_asked_by_own_token() || self.on_->is_stopping();
        };
    }
    ~chain() = default;

    /// The task that it goes on from. Throws if there is no memory for its details.
    void adopt(const task_run& first) {
        where = first.task().where;
        name = first.task().name;
        priority = first.task().priority;
        on_ = first.on().home;
        const stored_task& task = first.task();
        if (task.details != nullptr || task.due != steady_time()) { // it has options
            // NOLINTNEXTLINE(modernize-make-unique): clang 14 makes no aggregate that way
            details_.reset(new chain_details{{}, task.due, first.started()});
        }
        if (task.details != nullptr) {
            details_->of_task.stop = task.details->stop;
            details_->of_task.on_error = task.details->on_error;
            has_own_sink = static_cast<bool>(details_->of_task.on_error);
        }
    }

private:
    friend class stretch;

    static constexpr std::string_view closed_while_waiting = "its executor closed while it waited";

    /// Whether its end is still to be reported. From here on nobody else writes it off.
    bool is_still_counted() noexcept {
        if (is_away && !details_->home->books.note_back(details_->away)) {
            is_given_up = true;
            is_away = false;
            details_->home->release_scheduler();
        }
        return !is_given_up;
    }

    task_ptr take_repeated() noexcept {
        return details_ != nullptr ? std::move(details_->repeated) : nullptr;
    }

    chain_account account() const noexcept {
        return {home(), is_open, is_given_up, is_away ? &details_->away : nullptr};
    }

    /// Enters it in the books of its home. One that comes from an executor of somebody else's is
    /// accepted there only now.
    void open() noexcept {
        if (scheduler* const its = home(); its != nullptr && !is_open) {
            is_open = true;
            if (now_->ran_on() == nullptr) {
                its->books.note_accepted();
            }
            its->books.note_opened();
        }
    }

    /// Its end has been counted.
    void leave_books() noexcept {
        if (is_open) {
            home()->books.note_closed();
        }
        is_given_up = true;
    }

    bool move_to(scheduler* to) noexcept {
        scheduler* const its = home();
        if (is_away && to == its) {
            is_given_up = !its->books.note_back(details_->away);
            is_away = false;
            its->release_scheduler();
        } else if (!is_away && its != nullptr && to != its) {
            if (!make_details()) {
                return false;
            }
            open();
            its->keep_scheduler();
            details_->home = its;
            details_->away.where = where;
            details_->away.name = name;
            its->books.note_away(details_->away);
            is_away = true;
        }
        on_ = to;
        return true;
    }

    bool make_details() noexcept {
        if (details_ == nullptr) {
            // NOLINTNEXTLINE(modernize-make-unique): clang 14 makes no aggregate that way
            details_.reset(new (std::nothrow) chain_details{{}, {}, {}});
        }
        return details_ != nullptr;
    }

    void report_abandoned(std::string_view why) const {
        static constexpr task_type reported_only{};
        const stored_task task{reported_only, nullptr, where, name,
                               details_ ? &details_->of_task : nullptr};
        task_run(task, foreign_host()).drop(failure::abandoned, why);
    }

    stored_task task_of(stretch& run) const noexcept {
        if (details_ == nullptr) {
            return {runs_stretch, &run, where, name};
        }
        return {runs_stretch, &run, where, name, &details_->of_task, details_->due};
    }

    template <class Derived>
    static fate resume_chain(suspended& one) {
        const host& on = *static_cast<const host*>(this_thread.running->on);
        auto& self = static_cast<chain&>(one);
        const steady_time started = self.details_ ? self.details_->started : steady_time();
        const scheduler* const in_books_of = self.home();
        stretch next(self, Derived::how_it_ends);
        task_run run(self.task_of(next), on);
        const fate ended = run.resumed(started, in_books_of);
        return next.settle(ended, run.answer());
    }

    template <class Derived>
    static bool destroy_chain(suspended& one) {
        auto& self = static_cast<chain&>(one);
        const bool is_news = self.is_still_counted();
        if (is_news && self.is_abandoned) {
            self.report_abandoned(closed_while_waiting);
        }
        stretch last(self, Derived::how_it_ends);
        discard(self.task_of(last));
        static_cast<void>(last.settle(fate::dropped));
        return is_news;
    }

    /// All frames but the outermost. // K3
    void destroy_awaited() {
        while (link_to_child* const link = next_link_->awaited_by) {
            next_link_ = link->parent_link;
            std::exchange(link->child, nullptr).destroy();
        }
    }

    static constexpr task_type runs_stretch{
        [](void* self, task_run& run) {
            static_cast<stretch*>(self)->attach(run);
            static_cast<stretch*>(self)->go();
        },
        [](void* self) { static_cast<stretch*>(self)->destroy_chain(); }, 0, 1};

    scheduler* on_ = nullptr;
    stretch* now_ = nullptr;
    std::coroutine_handle<> next_{}; ///< the one that runs, while one does
    frame_link* next_link_ = nullptr;
    std::unique_ptr<chain_details> details_;
};

inline stretch::stretch(chain& of, const chain_type& type) noexcept : of_(&of), type_(type) {}

inline stretch::~stretch() {
    attempt([&] { destroy_chain(); }, [] {}); // no run is left that could report what that throws
    if (is_over_ && !is_settled_) {
        static_cast<void>(settle(fate::failed));
    }
}

inline void stretch::attach(task_run& by) noexcept {
    run_ = &by;
    ran_on_ = by.on().home;
    of_->now_ = this; // K1
}

inline void stretch::go() {
    for (;;) {
        of_->next_.resume();
        if (has_returned_) {
            type_.look(*of_, *run_);
            return;
        }
        if (leave_ != nullptr && std::exchange(leave_, nullptr)(*of_, awaiter_)) {
            of_ = nullptr; // K1
            return;
        }
    }
}

inline fate stretch::settle(fate how, repetition answer) noexcept {
    if (!is_over_) {
        return fate::open;
    }
    is_settled_ = true;
    task_ptr repeated = details_ != nullptr ? std::move(details_->repeated) : nullptr;
    return account_.close(how, ran_on_, std::move(repeated), answer);
}

inline void stretch::destroy_chain() {
    if (chain* const over = std::exchange(of_, nullptr)) {
        account_ = over->account();
        is_over_ = true;
        details_ = std::move(over->details_);
        if (over->next_link_ != nullptr) {
            over->destroy_awaited();
        }
        type_.destroy(*over);
    }
}

} // namespace detail
} // namespace faf::inline FIRE_AND_FORGET_ABI
