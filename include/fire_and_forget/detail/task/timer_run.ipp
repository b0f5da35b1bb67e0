// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "../platform/function_ref.hpp"
#include "timer_node.hpp"
#include "timer_run.hpp"

#include <cstddef>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE timer_node* timer_run::remove_if(function_ref<bool(timer_node&)> is_it,
                                                        timer_node* others) {
    for (std::size_t left = size_; left > 0; --left) {
        timer_node& one = pop();
        if (is_it(one)) {
            one.next = std::exchange(others, &one);
        } else {
            push(one);
        }
    }
    return others;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
