// SPDX-License-Identifier: MIT
#pragma once

// That tasks wait while all workers are kept and no more are allowed. growth.ipp finds out.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../executor/sink_lending.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "worker_roster.hpp"

#include <memory>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Which task waits, and what keeps the workers.
struct starvation {
    call_site where{};
    const char* name = nullptr;
    std::chrono::nanoseconds waited{};
    report_text what;
};

/// Under the pool's lock. Null without memory: there will be another occasion.
std::unique_ptr<const starvation> describe_starvation(const worker_roster& workers, lane_set& lanes,
                                                      steady_time since, steady_time now);

/// Without the lock, and not on the keeper, who finds it out.
void report_starvation(std::unique_ptr<const starvation> found, shutdown_participant& pool,
                       sink_lending& sinks);

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
