// SPDX-License-Identifier: MIT
#pragma once

#include "loaded_module.hpp"
#include "module_guard.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE bool is_in_loaded_module() noexcept {
    const char* const name = module_of_library.load(std::memory_order_relaxed);
    return name != nullptr && *name != '\0';
}

FIRE_AND_FORGET_ENGINE module_guard::module_guard() noexcept {
    end_of_other_threads::watch();
    const char* const own = module_with(this);
    if (own == module_with(&module_of_library)) {
        module_of_library.store(own, std::memory_order_relaxed);
    } else if (*own != '\0') {
        keep_loaded_for_good(own);
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
