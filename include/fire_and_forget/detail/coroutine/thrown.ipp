// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "thrown.hpp"

#include <cstdlib>
#include <stdexcept>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(__cpp_exceptions)
FIRE_AND_FORGET_ENGINE void throw_cancelled() {
    throw task_cancelled();
}
#endif

FIRE_AND_FORGET_ENGINE void throw_misuse([[maybe_unused]] const char* what) {
#if defined(__cpp_exceptions)
    throw std::logic_error(what);
#else
    std::abort();
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
