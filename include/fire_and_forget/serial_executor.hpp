// SPDX-License-Identifier: MIT
#pragma once

// Tasks one after the other, on any executor and without a thread for it: what others call a
// strand. detail/adaptor/strand.hpp is its inside.

#include "detail/adaptor/strand.hpp"
#include "detail/platform/abi.hpp"
#include "detail/submit/any_core.hpp"
#include "executor.hpp"
#include "executor_ref.hpp"
#include "options.hpp"

#include <concepts>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Runs what is fired at it one after the other on another executor: what its tasks share needs no
/// lock. Make one for each thing that is changed by tasks; there may be a million.
///
///     faf::serial_executor book(faf::default_pool());
///     fire_and_forget(book, [&] { orders.insert(order); });    // never two of them at a time
///     fire_and_forget(book, [&] { orders.erase(id); });        // after the first
///
/// It has no thread. While something waits, it has a turn on the executor below, in which it runs
/// up to 64 tasks, fewer if they take long; then others have theirs. On a manual_executor a turn is
/// one task. A task that waits in it is not reported as starving.
///
/// Order: the tasks of one thread in the order of its calls, and all in the order in which they
/// came. `priority` does not change that. What waits for its time comes in when that has come, and
/// so does each run of a task that repeats. A coroutine stays here: when it goes on after a wait it
/// comes in again, and meanwhile others run. Each task sees what those before it have written.
/// Errors: to the sinks of the executor below. What that refuses is refused. Where it ends with
/// tasks waiting here, each of them is reported as abandoned.
/// Thread safety: may be fired at by any thread, also by its own tasks.
/// Lifetime: it may go while tasks wait: they run all the same. The executor below must outlive it.
/// A moved-from one may only be assigned to or destroyed. In a forked child it refuses with
/// refusal::forked_child.
/// Counts: its tasks are in the snapshot() of the executor below from the moment they have their
/// turn, and each turn counts as a resumption; drain() there waits for them. `max_pending` there
/// does not count what waits here.
/// Cost: a pointer, and a block of 240 bytes. A task takes a lock of its own that is held for a few
/// instructions. One without options that is plain data (numbers, pointers, references; 48 bytes at
/// most, and no alignment above a pointer's) takes 16 bytes more than that, of memory that comes
/// in pieces of 512 bytes; others are an allocation each. A turn is what a coroutine pays to go on.
/// Eight threads that fire eight million tasks at a thousand of them see 0.5 to 0.6 of the rate of
/// the pool alone.
/// Source: tests/bench/ordered.cpp
class serial_executor {
public:
    /// Stands on `below`; on another serial_executor by way of an executor_ref, as that alone would
    /// be a copy, which does not compile: serial_executor inner{faf::executor_ref(outer)}.
    /// Throws: std::bad_alloc.
    template <class E>
    requires(
        executor<E> &&
        !std::same_as<std::remove_cvref_t<E>, serial_executor>) explicit serial_executor(E&& below)
        : strand_(new detail::strand(detail::any_core(below))) {
        static_assert(
            std::is_lvalue_reference_v<E> || std::same_as<std::remove_cvref_t<E>, executor_ref>,
            "fire_and_forget: a serial_executor keeps no executor alive: give it one that "
            "has a name.");
    }
    serial_executor(const serial_executor&) = delete; // refer to it, move it, or executor_ref(it)

    /// Takes what the other has, which may then only be assigned to or destroyed.
    serial_executor(serial_executor&& other) noexcept
        : strand_(std::exchange(other.strand_, nullptr)) {}

    /// Swaps the two.
    serial_executor& operator=(serial_executor&& other) noexcept {
        std::swap(strand_, other.strand_);
        return *this;
    }

    /// What waits still runs.
    ~serial_executor() {
        if (strand_ != nullptr) {
            strand_->remove_user();
        }
    }

    /// Takes a job that was made for another executor, and answers whether it will run it. One that
    /// it refuses is reported; an empty one is refused with refusal::empty_callable.
    submission execute(job work) { return detail::execute_on(*strand_, work); }

private:
    friend detail::core_access;
    detail::strand& core() const noexcept { return *strand_; }

    detail::strand* strand_ = nullptr;
};

static_assert(sizeof(serial_executor) == sizeof(void*));

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/adaptor/engine.ipp"
#endif
