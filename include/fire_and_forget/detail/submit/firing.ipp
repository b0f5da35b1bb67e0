// SPDX-License-Identifier: MIT
#pragma once

#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "firing.hpp"

#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

FIRE_AND_FORGET_ENGINE refusal firing::refuse(refusal why) const {
    return is_quiet() ? why : refuse(why, to_string(why));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE refusal firing::refuse(refusal why,
                                                            std::string_view in_words) const {
    if (!is_quiet()) {
        tell(failure::refused, nullptr, {}, in_words);
    }
    return why;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE refusal firing::refuse_for_exception(refusal why) const {
    const exception_description thrown;
    if (thrown.is_out_of_memory()) {
        why = refusal::out_of_memory;
    }
    if (!is_quiet()) {
        tell(failure::refused, thrown.exception(), thrown.type(), thrown.what());
    }
    return why;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void firing::tell_exception() const {
    const exception_description thrown;
    tell(failure::exception, thrown.exception(), thrown.type(), thrown.what());
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void firing::tell(failure kind, std::exception_ptr exception,
                                                       std::string_view type,
                                                       std::string_view what) const {
    const std::string_view name = given != nullptr ? given->name : literal();
    error_report about = make_report(kind, where, name, what);
    about.exception = std::move(exception);
    about.type = type;
    report(about, given != nullptr ? &given->on_error : nullptr, of_executor.sink);
}

FIRE_AND_FORGET_ENGINE firing make_firing(const options* given, const refusal_sink& of_executor,
                                          const call_site& where) noexcept {
    const bool is_elsewhere = given != nullptr && given->where.line() != 0;
    return {given, of_executor, is_elsewhere ? given->where : where};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
