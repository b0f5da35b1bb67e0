// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "foreign_wait.hpp"
#include "task_promise.hpp"

#include <exception>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

FIRE_AND_FORGET_ENGINE std::exception_ptr exception_to_keep() {
    std::exception_ptr kept = std::current_exception();
#if defined(__cpp_exceptions)
    if (kept == nullptr) {
        throw;
    }
#endif
    return kept;
}

FIRE_AND_FORGET_ENGINE void rethrow_if_any([[maybe_unused]] const std::exception_ptr& kept) {
#if defined(__cpp_exceptions)
    if (kept != nullptr) {
        std::rethrow_exception(kept);
    }
#endif
}

}

} // namespace faf::inline FIRE_AND_FORGET_ABI
