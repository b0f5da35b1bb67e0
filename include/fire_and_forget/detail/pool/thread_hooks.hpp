// SPDX-License-Identifier: MIT
#pragma once

// What the user of a pool has asked to be called on each of its threads. pool.hpp has it around the
// working life of a worker.

#include "../../literal.hpp"
#include "../../worker_info.hpp"
#include "../executor/quiescence.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../executor/sink_lending.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "pool_extras.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class thread_hooks {
public:
    /// `extras`: null in a pool without hooks.
    thread_hooks(shutdown_participant& owner, quiescence& quiet, sink_lending& sinks,
                 const pool_extras* extras) noexcept
        : owner_(owner), quiet_(quiet), sinks_(sinks), extras_(extras) {}
    thread_hooks(const thread_hooks&) = delete;
    thread_hooks& operator=(const thread_hooks&) = delete;

    /// While the pool is being made. Either may be null.
    void set(const thread_hook* at_start, const thread_hook* at_end) noexcept {
        at_start_ = at_start;
        at_end_ = at_end;
    }

    /// From now on none is called: what they refer to may end. One that runs is waited for until
    /// `deadline`.
    void give_up(steady_time deadline) noexcept;

    /// Calls a hook. Not for direct use: see pool_extras.
    void run(const thread_hook& hook, literal name, const worker_info& whose);

    /// A worker between its first task and its last, even where one ends its thread by force.
    class around {
    public:
        around(thread_hooks& of, const worker_info& whose) : of_(of), whose_(whose) {
            of_.call(of_.at_start_, "on_thread_start", whose_);
        }
        ~around() { of_.call(of_.at_end_, "on_thread_stop", whose_); }
        around(const around&) = delete;
        around& operator=(const around&) = delete;

    private:
        thread_hooks& of_;
        const worker_info& whose_;
    };

private:
    void call(const thread_hook* hook, literal name, const worker_info& whose) {
        if (hook != nullptr) {
            extras_->call_hook(*this, *hook, name, whose);
        }
    }
    bool begin() noexcept;
    void end() noexcept;

    shutdown_participant& owner_;
    quiescence& quiet_;
    sink_lending& sinks_;
    const pool_extras* const extras_;
    const thread_hook* at_start_ = nullptr;
    const thread_hook* at_end_ = nullptr;

    // Under the mutex.
    bool are_given_up_ = false;
    unsigned running_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
