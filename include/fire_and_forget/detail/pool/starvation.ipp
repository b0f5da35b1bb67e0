// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../executor/errands.hpp"
#include "../executor/shutdown_participant.hpp"
#include "../executor/sink_lending.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "starvation.hpp"
#include "worker_roster.hpp"

#include <memory>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE std::unique_ptr<const starvation>
describe_starvation(const worker_roster& workers, lane_set& lanes, steady_time since,
                    steady_time now) {
    std::unique_ptr<starvation> found(new (std::nothrow) starvation);
    if (found == nullptr) {
        return found;
    }
    found->waited = now - since;
    bool is_found = false;
    const auto name_first = [&](auto& of) {
        of.look_at_first([&](const slot& first) {
            const task_node* const node = node_in(first);
            found->where = first.where;
            found->name = node != nullptr ? node->name : nullptr;
            is_found = true;
        });
        return is_found;
    };
    if (lanes.find_claim(name_first) == nullptr) { // what is claimed waits longer
        lanes.find(name_first);
    }
    found->what.append("all ");
    found->what.append_number(static_cast<long long>(workers.alive()));
    found->what.append(" threads are kept, and there may be no more: by ");
    workers.describe_busy(found->what, now);
    return found;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void report_starvation(std::unique_ptr<const starvation> found,
                                                            shutdown_participant& pool,
                                                            sink_lending& sinks) {
    if (found == nullptr) {
        return;
    }
    pool.keep(); // for the report
    tell_off_the_keeper([what = std::move(found), &pool, &sinks] {
        error_report starving =
            make_report(failure::starvation, what->where, or_empty(what->name), what->what.view());
        starving.waited = what->waited;
        report(starving, nullptr, sink_lending::loan(sinks).sink());
        pool.end_if_forked();
        pool.release();
    });
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
