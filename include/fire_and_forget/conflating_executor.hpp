// SPDX-License-Identifier: MIT
#pragma once

// Of the tasks of one key, only the newest: for updates that make the ones before them worthless.
// detail/adaptor/conflation.hpp is its inside.

#include "detail/adaptor/conflation.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/attempt.hpp"
#include "detail/platform/reentry.hpp"
#include "detail/platform/scope_guard.hpp"
#include "detail/submit/any_core.hpp"
#include "executor.hpp"
#include "executor_ref.hpp"
#include "options.hpp"

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Runs tasks on another executor, of each key at most one at a time, while at most one waits: a
/// newer task replaces the one that waits. So a consumer that is too slow sees each key's last
/// value, and memory stays flat.
///
///     faf::conflating_executor<std::string> latest(faf::default_pool());
///     fire_and_forget(latest[symbol], show, symbol, price);
///
/// Order: of one key, the tasks that run are in the order of their calls; the last one always runs.
/// A coroutine runs until its first wait; then the next one may, and it goes on at the executor
/// below, whoever's that is.
/// Errors: to the sinks of the executor below. A task that is replaced was accepted, and is counted
/// and not reported: see replaced(). `after` and `every` are refused with invalid_options.
/// Thread safety: may be fired at by any thread, also by its own tasks. Hash, equality and copies
/// of Key are called under a lock, and must not fire.
/// Lifetime: it may go while tasks wait: they run all the same. The executor below must outlive it.
/// Counts: in the snapshot() of the executor below, when the key has its turn: a replaced task as
/// dropped, so that runs and replaced ones add up to those accepted.
/// Cost: an allocation for a task, and a lock that a sixteenth of the keys share. A key takes an
/// entry in a table while it has something to do, and nothing afterwards: of ten million updates of
/// a hundred keys 99 in a hundred were replaced, memory grew by 0.2 MB, and an update took 0.8 of
/// the time of a plain task at the pool.
/// Source: tests/bench/ordered.cpp
template <class Key, class Hash = std::hash<Key>>
class conflating_executor {
    struct stripe;
    struct table;
    struct entry;

public:
    /// Stands on `below`.
    /// Throws: std::bad_alloc.
    template <class E>
    requires(executor<E> && !std::same_as<std::remove_cvref_t<E>, conflating_executor>) //
        explicit conflating_executor(E&& below)
        : table_(std::make_shared<table>(detail::any_core(below))) {
        static_assert(std::is_lvalue_reference_v<E> ||
                          std::same_as<std::remove_cvref_t<E>, executor_ref>,
                      "fire_and_forget: a conflating_executor keeps no executor alive: give it one "
                      "that has a name.");
    }

    /// The executor of one key, to be named in a call. It may be kept, and outlive this.
    class keyed {
    public:
        /// Takes a job that was made for another executor, and answers whether it is accepted.
        submission execute(job work) const { return detail::execute_on(core_, work); }

    private:
        friend conflating_executor;
        friend detail::core_access;

        struct core_type {
            submission fire(const detail::untyped_call& call) const {
                return detail::fire_at_key(table_->core, call,
                                           [this](detail::task_ptr& task) { return accept(task); });
            }
            refusal accept(detail::task_ptr& task) const {
                return table_->accept(table_, key_, task);
            }
            detail::scheduler* home() const noexcept { return table_->core.home(); }
            detail::any_core bottom() const noexcept { return table_->core.bottom(); }
            detail::set_door* set() const noexcept { return table_->core.set(); }
            detail::refusal_sink refused_to() const noexcept { return table_->core.refused_to(); }
            void note_refused() const noexcept { table_->core.note_refused(); }

            std::shared_ptr<table> table_;
            Key key_;
        };

        keyed(std::shared_ptr<table> of, Key key) : core_{std::move(of), std::move(key)} {}
        const core_type& core() const noexcept { return core_; }

        core_type core_;
    };

    /// What is fired at it replaces what waits for `key`.
    /// Throws: what copying the key throws.
    keyed operator[](Key key) const { return {table_, std::move(key)}; }

    /// How many tasks were accepted and then replaced, of the keys that have had their turn since.
    std::uint64_t replaced() const noexcept {
        return table_->replaced.load(std::memory_order_relaxed);
    }

private:
    struct stripe {
        std::mutex mutex;
        std::unordered_map<Key, entry*, Hash> active;
    };

    struct table {
        static constexpr std::size_t stripes = 16;

        explicit table(const detail::any_core& on) noexcept : core(on) {}

        refusal accept(const std::shared_ptr<table>& self, const Key& key, detail::task_ptr& task) {
            refusal why = detail::prepare_to_conflate(core, task);
            const bool is_enrolled = why == refusal::none;
            entry* fresh = nullptr;
            if (why == refusal::none) {
                detail::attempt([&] { fresh = store(self, key, task); },
                                [&] { why = refusal::out_of_memory; });
            }
            if (fresh != nullptr) {
                why = fresh->begin(task);
            } else if (why == refusal::out_of_memory) {
                core.note_refused();
            } else if (why == refusal::none) {
                task.reset(); // which has been replaced
            }
            if (why != refusal::none && is_enrolled) {
                core.withdraw(task);
            }
            return why;
        }

        /// The entry, if it is a new one; else `task` is what it has replaced.
        entry* store(const std::shared_ptr<table>& self, const Key& key, detail::task_ptr& task) {
            stripe& in = parts[Hash()(key) % stripes];
            const detail::library_lock lock(in.mutex);
            entry*& found = in.active[key];
            if (found != nullptr) {
                found->replace(task);
                return nullptr;
            }
            bool is_made = false;
            const detail::scope_guard at_the_end([&] {
                if (!is_made) { // it threw
                    in.active.erase(key);
                }
            });
            found = new entry(self, in, key, task->where);
            is_made = true;
            found->replace(task);
            return found;
        }

        const detail::any_core core;
        std::atomic<std::uint64_t> replaced{0};
        stripe parts[stripes];
    };

    struct entry final : detail::conflated {
        entry(const std::shared_ptr<table>& of, stripe& in, const Key& key, const call_site& first)
            : conflated(of->core, first, in.mutex, of->replaced), of_(of), in_(in), key_(key) {}
        void leave_table() noexcept override { in_.active.erase(key_); }

        std::shared_ptr<table> of_; // with the mutex
        stripe& in_;
        Key key_;
    };

    std::shared_ptr<table> table_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/adaptor/engine.ipp"
#endif
