// SPDX-License-Identifier: MIT
#pragma once

// Of the tasks of one key, only the newest: for updates that make the ones before them worthless.
// detail/adaptor/conflation.hpp is its inside.

#include "detail/adaptor/conflation.hpp"
#include "detail/platform/abi.hpp"
#include "detail/platform/attempt.hpp"
#include "detail/platform/library_memory.hpp"
#include "detail/platform/reentry.hpp"
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
#include <unordered_set>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

template <class Hash, class Key>
concept hashes = std::default_initializable<Hash> && requires(const Key& key) {
    { Hash()(key) } -> std::convertible_to<std::size_t>;
};

} // namespace detail

/// Runs tasks on another executor, of each key at most one at a time, while at most one waits: a
/// newer task replaces the one that waits. So a consumer that is too slow sees each key's last
/// value, and memory stays flat.
///
///     faf::conflating_executor<std::string> latest(faf::default_pool());
///     fire_and_forget(latest[symbol], show, symbol, price);
///
/// Order: of one key, the tasks that run are in the order of their calls; the last one always runs.
/// A coroutine runs until its first wait; then the next one may, and it goes on at the executor
/// below, whoever's that is; also one that stays on an executor of somebody else's which hands its
/// jobs on to a key: only the first of them may be replaced there, or replaces one.
/// Errors: to the sinks of the executor below. A task that is replaced was accepted, and is counted
/// and not reported: see replaced(). `after` and `every` are refused with invalid_options (to run
/// what has been quiet for a while, cancellable.hpp takes back the call before); where Hash,
/// equality or a copy of Key throws, the task is refused with copy_threw.
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
        : table_(std::allocate_shared<table>(detail::library_allocator<table>(),
                                             detail::any_core(below))) {
        static_assert(std::is_lvalue_reference_v<E> ||
                          std::same_as<std::remove_cvref_t<E>, executor_ref>,
                      "fire_and_forget: a conflating_executor keeps no executor alive: give it one "
                      "that has a name.");
        static_assert(detail::hashes<Hash, Key>, // here, where both are known
                      "fire_and_forget: the keys of a conflating_executor are hashed: they need a "
                      "std::hash<Key>, or a hash of your own: conflating_executor<Key, Hash>.");
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
    /// What is looked up: a key, with its hash.
    struct wanted {
        const Key& key;
        std::size_t hash;
    };
    struct by_hash {
        using is_transparent = void;
        std::size_t operator()(const entry* one) const noexcept { return one->hash(); }
        std::size_t operator()(const wanted& one) const noexcept { return one.hash; }
    };

    /// An entry is found by its address without a look at its key: to leave can't fail.
    struct same {
        using is_transparent = void;
        bool operator()(const entry* a, const entry* b) const noexcept { return a == b; }
        bool operator()(const entry* a, const wanted& b) const { return a->has(b); }
        bool operator()(const wanted& a, const entry* b) const { return b->has(a); }
    };

    struct stripe {
        std::mutex mutex;
        std::unordered_set<entry*, by_hash, same, detail::library_allocator<entry*>> active;
    };

    struct table {
        static constexpr std::size_t stripes = 16;

        explicit table(const detail::any_core& on) noexcept : core(on) {}

        refusal accept(const std::shared_ptr<table>& self, const Key& key, detail::task_ptr& task) {
            if (task->has_begun) { // it came by way of somebody else's executor
                return core.accept(task);
            }
            refusal why = detail::prepare_to_conflate(core, task);
            const bool is_enrolled = why == refusal::none;
            entry* fresh = nullptr;
            if (why == refusal::none) {
                detail::attempt([&] { fresh = store(self, key, task); },
                                [&] { why = detail::refusal_for_key(); });
            }
            if (fresh != nullptr) {
                why = fresh->begin(task);
            } else if (why == refusal::none) {
                task.reset(); // which has been replaced
            } else if (is_enrolled) {
                core.note_refused();
            }
            if (why != refusal::none && is_enrolled) {
                core.withdraw(task);
            }
            return why;
        }

        static std::size_t hash_of(const Key& key) {
            if constexpr (detail::hashes<Hash, Key>) {
                return Hash()(key);
            } else {
                return 0; // so that nothing else is wrong
            }
        }

        /// The entry, if it is a new one; else `task` is what it has replaced.
        entry* store(const std::shared_ptr<table>& self, const Key& key, detail::task_ptr& task) {
            const wanted it{key, hash_of(key)};
            stripe& in = parts[it.hash % stripes];
            std::unique_ptr<entry> fresh; // its key goes without the lock, if at all
            const detail::library_lock lock(in.mutex);
            if (const auto found = in.active.find(it); found != in.active.end()) {
                (*found)->replace(task);
                return nullptr;
            }
            fresh = std::make_unique<entry>(self, in, it, task->where);
            in.active.insert(fresh.get());
            fresh->replace(task);
            return fresh.release();
        }

        const detail::any_core core;
        std::atomic<std::uint64_t> replaced{0};
        stripe parts[stripes];
    };

    struct entry final : detail::conflated {
        entry(const std::shared_ptr<table>& of, stripe& in, const wanted& its,
              const call_site& first)
            : conflated(of->core, first, in.mutex, of->replaced), of_(of), in_(in), key_(its.key),
              hash_(its.hash) {}
        std::size_t hash() const noexcept { return hash_; }
        bool has(const wanted& other) const {
            return hash_ == other.hash && std::equal_to<Key>()(key_, other.key);
        }
        void leave_table() noexcept override { in_.active.erase(this); }

        std::shared_ptr<table> of_; // with the mutex
        stripe& in_;
        Key key_;
        const std::size_t hash_;
    };

    std::shared_ptr<table> table_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/adaptor/engine.ipp"
#endif
