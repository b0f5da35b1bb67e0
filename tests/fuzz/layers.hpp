// SPDX-License-Identifier: MIT
#pragma once

// What stands on other executors, for the programs of program.hpp to fire at: scopes inside each
// other, serial and conflating executors, references; and an observer of their pools.

#include "books.hpp"
#include "script.hpp"
#include "stacks.hpp"

#include <fire_and_forget/conflating_executor.hpp>
#include <fire_and_forget/executor_ref.hpp>
#include <fire_and_forget/observer.hpp>
#include <fire_and_forget/serial_executor.hpp>
#include <fire_and_forget/task_scope.hpp>
#include <fire_and_forget/testing.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>

namespace faf_fuzz {

using namespace std::chrono_literals;

/// Sees that each task which was fired is gone in the end, and each run that began over. Throws now
/// and then, which no task may feel.
class watcher final : public faf::task_observer {
public:
    explicit watcher(books& in) noexcept : books_(in) {}

    void* fired(const faf::observed_task&) override {
        throw_at_times();
        ++open_;
        return this;
    }
    void begin(const faf::observed_task&, void* context) override {
        ++running_;
        books_.expect(context == nullptr || context == this, "a context of another task");
        throw_at_times();
    }
    void end(const faf::observed_task&, void*, faf::run_result) override {
        --running_;
        throw_at_times();
    }
    void gone(void* context) override { open_ -= context == this ? 1 : 0; }

    /// When the pools have gone.
    void check() {
        books_.expect(open_ == 0, "observed tasks that are never gone",
                      static_cast<std::uint64_t>(open_));
        books_.expect(running_ == 0, "observed runs without an end",
                      static_cast<std::uint64_t>(running_));
    }

private:
    void throw_at_times() {
        if (++calls_ % 32 == 0) {
            books_.note_hook_throw();
            throw std::runtime_error("an observer");
        }
    }

    books& books_;
    std::atomic<long> open_{0};
    std::atomic<long> running_{0};
    std::atomic<unsigned> calls_{0};
};

class layers {
public:
    layers(books& in, script& from, faf::thread_pool& pool, faf::testing::manual_executor& manual,
           std::atomic<bool>& has_lost_any)
        : books_(in), manual_(manual), below_{faf::executor_ref(pool), faf::default_pool(),
                                              faf::own_thread, manual},
          around_(pool) {
        stacks_[0].emplace(from, below_[from.below(bottoms)], std::uint8_t{1}, has_lost_any);
        stacks_[1].emplace(from, below_[from.below(bottoms)], std::uint8_t{2}, has_lost_any);
    }

    /// One of them, to fire at; two threads may do so. `fire_latest` is for those that replace what
    /// waits.
    template <class Fire, class FireLatest>
    void pick(script& in, Fire fire, FireLatest fire_latest) {
        const unsigned which = in.below(bottoms);
        switch (in.below(6)) {
        case 0:
            return fire(around_);
        case 1:
            return fire(below_[which]);
        case 2:
            return fire_latest(latest_[which][in.below(3)]);
        default:
            return fire(in_order_[which]);
        }
    }

    /// The same with one of a stack. `fire` is given the number of that, too.
    template <class Fire>
    void pick_in_stack(script& in, Fire fire) {
        const stack& one = *stacks_[in.below(2)];
        fire(one.pick(in), one.number());
    }

    /// Takes all that the default pool takes, on any executor that runs without being told: what is
    /// on its way there from a pool would keep that from its end.
    faf::executor_ref beside_default(script& in) {
        const unsigned which = in.below(bottoms);
        return which < bottoms - 1 ? faf::executor_ref(in_order_[which])
                                   : faf::executor_ref(around_);
    }

    faf::task_scope& around() { return around_; }

    // What one thread does, while the others fire -------------------------------------------------

    template <class Fire>
    void take_step(script& in, bool is_alone, Fire fire) {
        const auto moment = in.byte() * 8us;
        switch (in.below(12)) {
        case 8:
        case 9:
        case 10:
        case 11:
            return take_step_in(*stacks_[in.below(2)], in, moment, is_alone);
        case 0:
            return inner_ ? end_inner() : make_inner(in);
        case 1:
            return inner_ ? inner_->request_stop() : void();
        case 2:
            return static_cast<void>((inner_ ? *inner_ : around_).cancel_pending());
        case 3:
            return static_cast<void>((inner_ ? *inner_ : around_).drain(moment));
        case 4:
            return expect_sums();
        default:
            return inner_ ? fire(*inner_) : make_inner(in);
        }
    }

    /// While the executors below go on. Whoever fires must be done.
    void end() {
        around_.request_stop();
        if (inner_) {
            end_inner();
        }
        for (auto& one : stacks_) {
            one->with_each_scope([this](faf::task_scope& scope) {
                scope.request_stop();
                wait_for(scope);
            });
        }
        wait_for(around_);
    }

    /// When what is below has ended.
    void check(bool was_patient) {
        std::uint64_t replaced = 0;
        for (const auto& one : latest_) {
            replaced += one.replaced();
        }
        for (const auto& one : stacks_) {
            replaced += one->replaced();
        }
        books_.expect_conflated(replaced, was_patient);
    }

private:
    static constexpr unsigned bottoms = 4;

    void take_step_in(stack& one, script& in, std::chrono::microseconds moment, bool is_alone) {
        one.with_scope(in, [&](faf::task_scope& scope, unsigned level) {
            switch (in.below(8)) {
            case 0:
                return scope.request_stop();
            case 1:
            case 2:
                return static_cast<void>(scope.cancel_pending());
            case 3:
                return expect_sums_of(scope);
            default:
                if (scope.drain(moment) && is_alone) {
                    books_.expect_none_left(one.number(), level);
                }
            }
        });
    }

    void make_inner(script& in) {
        switch (in.below(3)) {
        case 0:
            return static_cast<void>(inner_.emplace(around_));
        case 1:
            return static_cast<void>(inner_.emplace(in_order_[in.below(bottoms)]));
        default:
            return static_cast<void>(inner_.emplace(below_[in.below(bottoms)]));
        }
    }

    void end_inner() {
        inner_->request_stop();
        wait_for(*inner_);
        inner_.reset();
    }

    /// Its destructor would wait, too, but not run what is to be run by hand elsewhere.
    void wait_for(faf::task_scope& scope) {
        books_.expect(eventually([&] {
                          manual_.advance(1ms);
                          return scope.drain(1ms);
                      }),
                      "a scope that does not come to rest", scope.snapshot().pending,
                      scope.snapshot().running);
    }

    void expect_sums() { expect_sums_of(inner_ ? *inner_ : around_); }

    void expect_sums_of(const faf::task_scope& scope) {
        const faf::scope_stats now = scope.snapshot();
        books_.expect(now.pending <= books::capacity && now.running <= books::capacity,
                      "a counter of a scope below zero", now.pending, now.running);
    }

    books& books_;
    faf::testing::manual_executor& manual_;
    std::array<faf::executor_ref, bottoms> below_;
    std::array<faf::serial_executor, bottoms> in_order_{
        faf::serial_executor(below_[0]), faf::serial_executor(below_[1]),
        faf::serial_executor(below_[2]), faf::serial_executor(below_[3])};
    std::array<faf::conflating_executor<unsigned>, bottoms> latest_{
        faf::conflating_executor<unsigned>(below_[0]),
        faf::conflating_executor<unsigned>(below_[1]),
        faf::conflating_executor<unsigned>(below_[2]),
        faf::conflating_executor<unsigned>(below_[3])};
    faf::task_scope around_;
    std::array<std::optional<stack>, 2> stacks_;
    std::optional<faf::task_scope> inner_; // may be inside of the other
};

} // namespace faf_fuzz
