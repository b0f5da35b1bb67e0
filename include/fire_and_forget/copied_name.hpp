// SPDX-License-Identifier: MIT
#pragma once

// Names that are made at run time, for tasks whose names are not all known when the program is
// compiled.

#include "detail/errors/name_store.hpp"
#include "detail/platform/abi.hpp"
#include "literal.hpp"

#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// `text`, copied, for options::name:
///
///     fire_and_forget({.name = faf::copied_name("reader of " + address)}, read, address);
///
/// It is kept until the program ends, so that reports may name a task that is gone, and each text
/// once: so it is for names that come again, such as those of symbols, peers or tables. What
/// differs from one task to the next without end, a number say, is better told by the closure in
/// options::on_error. Of all texts together a megabyte is kept; one that would be too many is
/// "(one name too many)", and so is each where there is no memory. It ends at its first null, or
/// after a thousand characters.
///
/// Thread safety: may be called by any thread at any time.
/// Cost: a lock, a look into a table, and for a new text an allocation. Where that is too much for
/// each task, keep what it returns.
inline literal copied_name(std::string_view text) noexcept {
    return detail::kept_name(text);
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/errors/name_store.ipp"
#endif
