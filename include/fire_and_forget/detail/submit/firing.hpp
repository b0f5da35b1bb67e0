// SPDX-License-Identifier: MIT
#pragma once

// A call of the front door while it lasts, as reports see it: why its task was not accepted.

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../../options.hpp"
#include "../platform/abi.hpp"
#include "../pool/pool_door.hpp"

#include <exception>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What reports of a refusal need.
struct firing {
    const options* given = nullptr; ///< null for a plain call
    refusal_sink of_executor{};
    call_site where{};

    /// Reports that the task was not accepted, unless it is to be quiet, and returns why.
    refusal refuse(refusal why) const;
    refusal refuse(refusal why, std::string_view in_words) const;

    /// The same inside a handler: the exception being handled is the cause.
    refusal refuse_for_exception(refusal why) const;

    /// Inside a handler: reports an exception of the executor, which took the task all the same.
    void tell_exception() const;

private:
    bool is_quiet() const noexcept {
        return of_executor.told == refusals::quiet ||
               (given != nullptr && given->refusals == refusals::quiet);
    }
    void tell(failure kind, std::exception_ptr exception, std::string_view type,
              std::string_view what) const;
};

firing make_firing(const options* given, const refusal_sink& of_executor,
                   const call_site& where) noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
