// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../task/run_task.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "fired_coroutine.hpp"
#include "task_promise.hpp"

#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool is_cancellation([[maybe_unused]] const std::exception_ptr& why) {
#if defined(__cpp_exceptions)
    try {
        std::rethrow_exception(why);
    } catch (const task_cancelled&) {
        return true;
    } catch (...) { // whatever else it is, the caller reports it
    }
#endif
    return false;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
