// SPDX-License-Identifier: MIT
#pragma once

// In which module the library is. Every file that fires has the guard, for its module may have no
// engine of its own.

#include "abi.hpp"

#include <atomic>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The module that the library's variables are in, which this is one of: by the loader's name,
/// empty for the program, null before its guard.
inline constinit std::atomic<const char*> module_of_library{nullptr};

/// False for the program itself, and for what no guard knows of.
bool is_in_loaded_module() noexcept;

/// Finds that out, once for each module, before it can be used.
///
/// A module whose calls end up with the variables of another one is never unloaded: threads may be
/// anywhere in its code. That happens where the linker is told to have one of each in the program:
/// by GCC's unique symbols, by RTLD_GLOBAL, or where the program itself exports them.
class module_guard {
public:
    module_guard() noexcept;
};

#if defined(__GNUC__) && !defined(_WIN32)
[[gnu::visibility("hidden")]]
#endif
inline const module_guard guard_of_this_module;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
