// SPDX-License-Identifier: MIT
#pragma once

#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "fired_coroutine.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"

#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool is_cancellation([[maybe_unused]] const std::exception_ptr& why) {
    bool is_one = false;
#if defined(__cpp_exceptions)
    const auto look = [&] {
        try {
            std::rethrow_exception(why);
        } catch (const task_cancelled&) {
            is_one = true;
        }
    };
    attempt(look, [] {}); // whatever else it is, the caller reports it
#endif
    return is_one;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
