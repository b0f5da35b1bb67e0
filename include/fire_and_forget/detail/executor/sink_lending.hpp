// SPDX-License-Identifier: MIT
#pragma once

// The sink of an executor, lent to threads that are none of its own and report something that
// concerns it. closing.hpp takes it away in the end.

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/thread_state.hpp"
#include "../platform/time.hpp"
#include "../task/host.hpp"
#include "quiescence.hpp"
#include "shutdown_participant.hpp"

#include <atomic>
#include <cstddef>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class sink_lending {
public:
    sink_lending(shutdown_participant& owner, quiescence& quiet, host& lent) noexcept
        : owner_(owner), quiet_(quiet), lent_(lent) {}
    sink_lending(const sink_lending&) = delete;
    sink_lending& operator=(const sink_lending&) = delete;

    const error_sink* sink() const noexcept { return lent_.sink.load(std::memory_order_relaxed); }

    /// While the executor is being made. Relaxed: whoever ends a sink must know by other means that
    /// no thread is about to call it.
    void set(const error_sink* sink) noexcept { lent_.sink.store(sink, std::memory_order_relaxed); }

    /// From now on the sink is not called any more, for what it refers to may end. Who has borrowed
    /// it and calls it now is waited for until `deadline`, but for the calling thread.
    void give_up(steady_time deadline);

    /// The calling thread has called exit(), and what it has borrowed does not come back.
    void note_exiting() noexcept;

    /// Keeps the sink, and the executor, from their ends.
    class loan {
    public:
        explicit loan(sink_lending& from) noexcept;
        ~loan();
        loan(const loan&) = delete;
        loan& operator=(const loan&) = delete;

        const error_sink* sink() const noexcept { return from_.sink(); }

    private:
        sink_lending& from_;
        const loan_frame frame_;
    };

private:
    shutdown_participant& owner_;
    quiescence& quiet_;
    host& lent_;
    std::size_t borrowers_ = 0; ///< under the mutex
    std::size_t kept_by_exit_ = 0;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
