// SPDX-License-Identifier: MIT
#pragma once

// That tasks wait while all workers are kept and no more are allowed. pool_staff.hpp finds out.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../executor/errands.hpp"
#include "../executor/executor_core.hpp"
#include "../platform/abi.hpp"
#include "../platform/time.hpp"
#include "../queue/lanes.hpp"
#include "worker_roster.hpp"

#include <cstddef>
#include <new>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Says which task waits and what keeps the workers. Described under the pool's lock, reported
/// without, and not by the keeper, who finds it out.
class starvation {
public:
    starvation() noexcept = default;
    ~starvation() { delete lack_; }
    starvation(const starvation&) = delete;
    starvation& operator=(const starvation&) = delete;

    void describe(const worker_roster& workers, lane_set& lanes, steady_time since,
                  steady_time now) {
        lack_ = new (std::nothrow) lack;
        if (lack_ == nullptr) {
            return; // there will be another occasion
        }
        lack_->waited = now - since;
        lanes.find([this](pool_lane& lane) {
            bool is_found = false;
            lane.look_at_first([&](const slot& first) {
                const task_node* const node = task_taker::node_in(first);
                lack_->where = first.where;
                lack_->name = node != nullptr ? node->name : nullptr;
                is_found = true;
            });
            return is_found;
        });
        lack_->what.append("all ");
        lack_->what.append_number(static_cast<long long>(workers.alive()));
        lack_->what.append(" threads are kept, and there may be no more: by ");
        workers.describe_busy(lack_->what, now);
    }

    void report_elsewhere(executor_core& pool) {
        if (lack* const told = std::exchange(lack_, nullptr)) {
            pool.keep(); // for the report
            told->pool = &pool;
            errands::instance().add(*told);
        }
    }

private:
    struct lack final : errand {
        executor_core* pool = nullptr;
        call_site where{};
        const char* name = nullptr;
        std::chrono::nanoseconds waited{};
        report_text what;

        void run() override {
            error_report starving{};
            starving.kind = failure::starvation;
            starving.task = or_empty(name);
            starving.where = where;
            starving.what = what.view();
            starving.waited = waited;
            report(starving, nullptr, executor_core::sink_loan(*pool).sink());
            pool->end_if_forked();
            pool->release();
            delete this;
        }
    };

    lack* lack_ = nullptr;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
