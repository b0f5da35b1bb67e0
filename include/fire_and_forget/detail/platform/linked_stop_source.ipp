// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "linked_stop_source.hpp"
#include "platform.hpp"
#include "stop_token.hpp"

#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void linked_stop_source::relay::operator()() const noexcept {
    stop_source kept = *to; // a callback may end what *this is part of
    kept.request_stop();
}

FIRE_AND_FORGET_ENGINE stop_token linked_stop_sources::get_token(const stop_token& own,
                                                                 const stop_token& of_executor) {
    for (const entry* one = latest_.get(); one != nullptr; one = one->before.get()) {
        if (one->of_executor == of_executor) {
            return one->both.get_token();
        }
    }
    auto fresh = std::make_unique<entry>(own, of_executor);
    fresh->before = std::move(latest_);
    latest_ = std::move(fresh);
    return latest_->both.get_token();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
