// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "linked_stop_source.hpp"
#include "platform.hpp"

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void linked_stop_source::relay::operator()() const noexcept {
    stop_source kept = *to; // a callback may end what *this is part of
    kept.request_stop();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
