// SPDX-License-Identifier: MIT
#pragma once

#include "../platform/abi.hpp"
#include "kept_membership.hpp"

#include <memory>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE void kept_membership::keep(const member_frame& of) noexcept {
    held = membership::of_begun(of.held->its());
    if (of.both != nullptr) {
        own = *of.own;
        both = std::move(*of.both);
    }
    frame = {of.set, &held, outer != nullptr ? &outer->frame : nullptr, &own, &both};
}

FIRE_AND_FORGET_ENGINE std::unique_ptr<kept_membership>
keep_memberships(const member_frame* innermost) {
    std::unique_ptr<kept_membership> first;
    std::unique_ptr<kept_membership>* end = &first;
    for (const member_frame* one = innermost; one != nullptr; one = one->outer) {
        *end = std::make_unique<kept_membership>();
        end = &(*end)->outer;
    }
    kept_membership* kept = first.get();
    for (const member_frame* one = innermost; one != nullptr; one = one->outer) {
        kept->keep(*one);
        kept = kept->outer.get();
    }
    return first;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
