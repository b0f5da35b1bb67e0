// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "foreign_wait.hpp"
#include "outside_wait.hpp"

#include <coroutine>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE stand_in stand_in::promise_type::get_return_object() noexcept {
    return {std::coroutine_handle<promise_type>::from_promise(*this)};
}

FIRE_AND_FORGET_ENGINE void stand_in::promise_type::return_void() {
    if (of_.try_claim()) {
        of_.settle();
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
