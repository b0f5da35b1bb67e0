// SPDX-License-Identifier: MIT
#pragma once

// The standard library's stop tokens, or what stands in for them where it keeps them back.

#include "abi.hpp"

#include <version>

#if defined(__cpp_lib_jthread)
#include <stop_token>
#else
#include "own_stop_token.hpp"
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(__cpp_lib_jthread)
using stop_token = std::stop_token;
using stop_source = std::stop_source;
#else
using stop_token = own_stop_token;
using stop_source = own_stop_source;
#endif

/// A source without a state, which asks nobody.
inline stop_source no_stop_source() noexcept {
#if defined(__cpp_lib_jthread)
    return stop_source(std::nostopstate);
#else
    return stop_source(nullptr);
#endif
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
