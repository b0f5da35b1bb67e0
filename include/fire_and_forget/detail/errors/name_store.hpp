// SPDX-License-Identifier: MIT
#pragma once

// The texts that were copied for names of tasks. ../../copied_name.hpp is what users see of it.

#include "../../literal.hpp"
#include "../platform/abi.hpp"
#include "../platform/process.hpp"

#include <cstddef>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A table of texts to which some are added and none is ever taken away: what is named by one may
/// be reported at any time, by any thread, in a child too.
class name_store {
public:
    static constexpr std::size_t longest = 1000;
    static constexpr std::size_t most_bytes = std::size_t{1024} * 1024;

    /// The copy of `text`; null if there is no room or no memory for it. Under the settings' lock.
    const char* keep(std::string_view text) noexcept;

private:
    struct entry {
        entry* next;
        std::size_t size;

        char* text() noexcept { return static_cast<char*>(static_cast<void*>(this + 1)); }
    };

    static constexpr std::size_t rows = 1024;

    entry* rows_[rows]{};
    std::size_t bytes_ = 0;
};

/// What is kept of `text`, or says that nothing is.
literal kept_name(std::string_view text) noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
