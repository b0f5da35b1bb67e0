// SPDX-License-Identifier: MIT
#pragma once

// The executor of ../testing.hpp that runs tasks when told, and the orders in which it may do so.

#include "../detail/executor/manual_core.hpp"
#include "../detail/platform/abi.hpp"
#include "../executor.hpp"
#include "../options.hpp"
#include "../time_span.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI::testing {

class manual_executor;

/// In which order a manual_executor runs what could run: in_turn, or as shuffled() says.
class execution_order {
public:
    /// First in, first out.
    constexpr execution_order() noexcept = default;

private:
    friend class manual_executor;
    friend constexpr execution_order shuffled(std::uint64_t seed) noexcept;
    constexpr explicit execution_order(std::uint64_t seed) noexcept
        : seed_(seed), is_shuffled_(true) {}

    std::uint64_t seed_ = 0;
    bool is_shuffled_ = false;
};

/// First in, first out.
inline constexpr execution_order in_turn{};

/// Any of the tasks whose time has come may be the next one, as on a pool with many threads; which
/// it is, the seed decides, the same one always in the same way.
constexpr execution_order shuffled(std::uint64_t seed) noexcept {
    return execution_order(seed);
}

/// The same with another seed each time. A manual_executor that is destroyed while an exception
/// passes, as by a REQUIRE that has failed, writes it to standard error.
inline execution_order shuffled() {
    return shuffled(detail::new_seed());
}

/// What a manual_executor may be told, by name: manual_executor({.order = shuffled(seed)}).
struct manual_options {
    execution_order order{}; ///< in which it runs what could run
};

/// Keeps the tasks fired at it until the test runs them, on the test's own thread. Time stands
/// still until the test moves it on.
///
///     faf::testing::manual_executor ex;
///     fire_and_forget(ex, greet, "Ada");
///     CHECK(ex.run_one());
///     fire_and_forget(ex, {.after = 5s}, greet, "Bob");
///     ex.advance(5s);                                    // greets Bob
///
///     for (std::uint64_t seed = 0; seed < 1000; ++seed) {
///         INFO("seed " << seed);                             // or SCOPED_TRACE(seed)
///         faf::testing::manual_executor ex({.order = faf::testing::shuffled(seed)});
///         run_the_test_on(ex);
///     }
///
/// Order: first in, first out; those that wait for their time in the order of their times. With
/// shuffled(), any of those whose time has come; a serial_executor keeps its order.
/// Errors: go to the task's sink or the global one, as everywhere. Reports of tasks fired with
/// options carry times of this clock.
/// Thread safety: all members may be called by any thread.
/// Lifetime: it must outlive the calls that fire at it, and what it runs. Tasks that are never run
/// are reported as abandoned while it is destroyed, and those that repeat as cancelled; a sink that
/// hears of it must not call it. So are coroutines that wait for a callback (faf::completion) which
/// has not come: when it comes later, nobody waits for it.
class manual_executor final {
public:
    /// Without tasks, and with a clock that stands.
    explicit manual_executor(manual_options how = {})
        : order_(how.order), core_(how.order.is_shuffled_, how.order.seed_) {}

    /// Tells the seed of its order on standard error if that is by an exception.
    ~manual_executor() {
        if (order_.is_shuffled_ && std::uncaught_exceptions() > uncaught_) {
            detail::tell_seed(order_.seed_);
        }
    }
    manual_executor(const manual_executor&) = delete;
    manual_executor& operator=(const manual_executor&) = delete;

    /// Takes a job that was made for another executor, and answers whether it will run it. One that
    /// it refuses, for want of memory, is reported; an empty one is refused with
    /// refusal::empty_callable.
    submission execute(job work) { return detail::execute_on(core_, work); }

    /// Runs the task that waits longest, of those whose time has come, or goes on with a coroutine;
    /// or any, with shuffled(). False if there is none. What the task throws goes to its sink, not
    /// to the caller.
    bool run_one() { return core_.run_one(); }

    /// Runs tasks as run_one() does until none is left whose time has come, those that they fire
    /// included; returns how many. A task that always fires another keeps it from returning.
    std::size_t run_all() { return core_.run_all(); }

    /// Moves the time on by `step` and runs what is due by then, each task at its own time; returns
    /// how many ran. From inside one of its tasks only the time moves: the task takes so long, and
    /// the others wait for its end.
    std::size_t advance(time_span step) { return core_.advance(step); }

    /// The time of its clock. It begins at some point and moves by advance() only.
    std::chrono::steady_clock::time_point now() const noexcept { return core_.now(); }

    /// How many tasks wait, those included whose time has not come, and coroutines that wait for a
    /// callback.
    std::size_t pending() const { return core_.pending(); }

    /// What its order was shuffled by; 0 in turn.
    std::uint64_t seed() const noexcept { return order_.seed_; }

private:
    friend detail::core_access;
    detail::manual_core& core() noexcept { return core_; }

    const execution_order order_;
    const int uncaught_ = std::uncaught_exceptions();

    detail::manual_core core_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::testing

#include "../detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "../detail/executor/manual_core.ipp"
#endif
