// SPDX-License-Identifier: MIT
#pragma once

// What a pool and own_threads consist of alike, put together.

#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "../task/host.hpp"
#include "../task/scheduler.hpp"
#include "closing.hpp"
#include "delayed_tasks.hpp"
#include "keeper.hpp"
#include "quiescence.hpp"
#include "shutdown_participant.hpp"
#include "sink_lending.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The executor that has them is `owner` to closing, `home` to its tasks and
/// `watched` to the keeper.
struct executor_parts {
    executor_parts(shutdown_participant& owner, scheduler& home, ward& watched,
                   const due_outlet& outlet)
        : stop(make_stop_source()), lent{nullptr, stop.get_token(), &home},
          sink(owner, quiet, lent), delayed(owner, quiet, lent, outlet),
          end(owner, watched, quiet, lent, stop, sink, delayed) {}

    kept_stop_source stop;
    host lent; ///< to the tasks it runs
    quiescence quiet;
    sink_lending sink;
    delayed_tasks delayed;
    closing end;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
