// SPDX-License-Identifier: MIT
#pragma once

// An executor whose type is forgotten: what executor_ref.hpp is made of, and what executors stand
// on that stand on others. A pool is fired at as fire.hpp does where it has to look into something;
// an executor of somebody else's takes a job.

#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../pool/default_pool.hpp"
#include "../pool/own_threads_door.hpp"
#include "../pool/pool_door.hpp"
#include "../task/scheduler.hpp"
#include "../task/task.hpp"
#include "fire.hpp"
#include "foreign_call.hpp"
#include "job.hpp"
#include "kept_executor.hpp"
#include "set_door.hpp"
#include "untyped_call.hpp"

#include <memory>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class any_core;

/// What can be done with an executor.
struct core_table {
    submission (*fire)(void* target, const untyped_call& call);
    refusal (*execute)(void* target, job& work);

    // Null for one of somebody else's.
    refusal (*accept)(void* target, task_ptr& task) = nullptr;
    void (*note_refused)(void* target) = nullptr;
    scheduler* (*home)(void* target) = nullptr;
    refusal_sink (*refused_to)(void* target) = nullptr;

    /// Null where a turn is made a task.
    refusal (*start_turn)(void* target, suspended& turn) = nullptr;

    /// Null where that is itself.
    any_core (*bottom)(void* target) = nullptr;

    /// Null where there is none.
    set_door* (*set)(void* target) = nullptr;

    /// Null where it is none itself.
    stacked_scheduler* (*stacked)(void* target) = nullptr;
};

/// Two pointers; the executor must live as long as it is used.
class any_core {
public:
    template <class E>
    explicit any_core(E& executor) noexcept : any_core(of_core(core_of(executor))) {}

    submission fire(const untyped_call& call) const { return table_->fire(target_, call); }
    refusal execute(job work) const { return table_->execute(target_, work); }

    /// Takes `task`, or says why not; that is not reported. Then the task is the caller's again,
    /// but for one that an executor of somebody else's has dropped: it is gone.
    refusal accept(task_ptr& task) const;
    void note_refused() const noexcept;

    /// Has `turn` resumed, as the call of somebody who fires, or says why not; counts that. It
    /// `is_accepted` if it was made a task, which the executor counts.
    refusal start_turn(suspended& turn) const;

    /// Where coroutines go on that are to be there; null if that is somebody else's.
    scheduler* home() const noexcept {
        return table_->home != nullptr ? table_->home(target_) : nullptr;
    }

    /// The same, or for one of somebody else's the default pool's: who counts what runs there.
    scheduler& home_or_default() const noexcept {
        scheduler* const its = home();
        return its != nullptr ? *its : default_scheduler();
    }

    /// The same, if that is what one may keep; null for all others, which may have gone by now.
    stacked_scheduler* stacked() const noexcept {
        return table_->stacked != nullptr ? table_->stacked(target_) : nullptr;
    }

    /// Who hears of the tasks of the pool that counts what runs there; null: nobody.
    task_observer* observer() const noexcept {
        const scheduler* const its = home();
        return its != nullptr ? its->observer() : nullptr;
    }

    /// For what stands on it and keeps its tasks: the pool does not see those come.
    void observe(task_node& task) const;

    /// What it stands on in the end, for coroutines that are to be there.
    any_core bottom() const noexcept {
        return table_->bottom != nullptr ? table_->bottom(target_) : *this;
    }

    /// The innermost set that its tasks belong to; null if there is none.
    set_door* set() const noexcept {
        return table_->set != nullptr ? table_->set(target_) : nullptr;
    }

    /// For what stands on it and keeps its tasks, which it has run at the bottom: they belong to
    /// the sets in between.
    refusal enroll(task_ptr& task) const {
        set_door* const its = set();
        return its != nullptr ? its->enroll(task) : refusal::none;
    }
    void withdraw(task_ptr& task) const noexcept {
        if (set_door* const its = set()) {
            its->withdraw(task);
        }
    }

    refusal_sink refused_to() const noexcept {
        return table_->refused_to != nullptr ? table_->refused_to(target_) : refusal_sink();
    }

    /// Its own sink, if it has one.
    const error_sink* sink() const noexcept { return refused_to().sink; }

private:
    any_core(void* target, const core_table& table) noexcept : target_(target), table_(&table) {}

    /// What is made of a default executor while another one is in its place, is one of that, for as
    /// long as it lives: those who hold it may have coroutines and books there.
    template <class Core>
    static constexpr bool is_default = std::is_same_v<std::remove_const_t<Core>, pool_door> ||
                                       std::is_same_v<std::remove_const_t<Core>, own_threads_door>;
    any_core or_elsewhere(const pool_door& meant) const noexcept;
    any_core or_elsewhere(const own_threads_door& meant) const noexcept;

    template <class Core>
    static any_core of_core(Core& core) noexcept {
        if constexpr (std::is_same_v<std::remove_const_t<Core>, any_core>) {
            return core;
        } else if constexpr (std::is_function_v<Core>) {
            return {reinterpret_cast<void*>(&core), table_of<Core>};
        } else {
            const any_core it(const_cast<void*>(static_cast<const void*>(std::addressof(core))),
                              table_of<Core>);
            if constexpr (is_default<Core>) {
                return it.or_elsewhere(core);
            } else {
                return it;
            }
        }
    }

    template <class Core>
    static Core& core_at(void* target) noexcept {
        return *reinterpret_cast<Core*>(target);
    }

    /// A pool as the thread that asks has it: in a forked child the default pool is another one.
    template <class Core>
    static Core& core_here(void* target) noexcept {
        if constexpr (std::is_same_v<Core, pool_door>) {
            return pool_here(core_at<Core>(target));
        } else {
            return core_at<Core>(target);
        }
    }

    template <class Core>
    static constexpr core_table make_table() noexcept {
        if constexpr (takes_tasks<Core>) {
            return {&fire_at<Core>,
                    [](void* to, job& work) { return execute_on(core_here<Core>(to), work).why(); },
                    [](void* to, task_ptr& task) { return core_here<Core>(to).accept(task); },
                    &note_refused_by<Core>,
                    &home_of<Core>,
                    [](void* to) { return refusal_sink_of(core_here<Core>(to)); },
                    start_of<Core>(),
                    bottom_of<Core>(),
                    set_of<Core>(),
                    stacked_of<Core>()};
        } else {
            return {[](void* to, const untyped_call& call) {
                        return fire_at_foreign(
                            call,
                            [to](job work) {
                                return call_with_job(core_at<Core>(to), std::move(work));
                            },
                            [to] { return keep_executor(core_at<Core>(to)); });
                    },
                    [](void* to, job& work) {
                        return call_with_job(core_at<Core>(to), std::move(work));
                    }};
        }
    }

    template <class Core>
    static scheduler* home_of(void* target) {
        Core& core = core_here<Core>(target);
        if constexpr (std::is_same_v<decltype(core.home()), scheduler*>) {
            return core.home();
        } else {
            return &core.home();
        }
    }

    template <class Core>
    static submission fire_at(void* to, const untyped_call& call) {
        if constexpr (takes_calls<Core>) {
            return core_at<Core>(to).fire(call);
        } else if constexpr (std::is_same_v<Core, pool_door>) {
            return fire_at_this_pool(core_at<Core>(to), call);
        } else {
            return fire_at_library(
                call, [to](task_ptr& task) { return core_at<Core>(to).accept(task); },
                [to] { note_refused_by<Core>(to); }, refusal_sink_of(core_at<Core>(to)));
        }
    }

    template <class Core>
    static void note_refused_by(void* target) {
        Core& core = core_here<Core>(target);
        if constexpr (requires { core.note_refused(); }) {
            core.note_refused();
        }
    }

    template <class Core>
    static constexpr auto start_of() noexcept -> refusal (*)(void*, suspended&) {
        if constexpr (requires(Core & core, suspended & turn) { core.start_turn(turn); }) {
            return [](void* to, suspended& turn) { return core_here<Core>(to).start_turn(turn); };
        } else {
            return nullptr;
        }
    }

    template <class Core>
    static constexpr auto bottom_of() noexcept -> any_core (*)(void*) {
        if constexpr (requires(Core & core) { core.bottom(); }) {
            return [](void* to) { return core_at<Core>(to).bottom(); };
        } else {
            return nullptr;
        }
    }

    template <class Core>
    static constexpr auto set_of() noexcept -> set_door* (*)(void*) {
        if constexpr (requires(Core & core) { core.set(); }) {
            return [](void* to) { return core_at<Core>(to).set(); };
        } else {
            return nullptr;
        }
    }

    template <class Core>
    static constexpr auto stacked_of() noexcept -> stacked_scheduler* (*)(void*) {
        if constexpr (std::is_base_of_v<stacked_scheduler, Core>) {
            return [](void* to) -> stacked_scheduler* { return &core_at<Core>(to); };
        } else {
            return nullptr;
        }
    }

    template <class Core>
    static constexpr core_table table_of = make_table<Core>();

    void* target_;
    const core_table* table_;
};

template <>
inline constexpr bool is_executor_handle<any_core> = true;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
