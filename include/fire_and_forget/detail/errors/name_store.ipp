// SPDX-License-Identifier: MIT
#pragma once

#include "../../literal.hpp"
#include "../platform/abi.hpp"
#include "../platform/platform.hpp"
#include "../platform/process.hpp"
#include "name_store.hpp"

#include <cstddef>
#include <functional>
#include <new>
#include <string_view>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

inline constinit program_setting<name_store> kept_names;

FIRE_AND_FORGET_ENGINE const char* name_store::keep(std::string_view text) noexcept {
    entry*& row = rows_[std::hash<std::string_view>{}(text) % rows];
    for (entry* one = row; one != nullptr; one = one->next) {
        if (std::string_view(one->text(), one->size) == text) {
            return one->text();
        }
    }
    const std::size_t size = sizeof(entry) + text.size() + 1;
    if (bytes_ + size > most_bytes) {
        return nullptr;
    }
    void* const memory = ::operator new(size, std::nothrow);
    if (memory == nullptr) {
        return nullptr;
    }
    bytes_ += size;
    row = ::new (memory) entry{row, text.size()};
    row->text()[text.copy(row->text(), text.size())] = '\0';
    return row->text();
}

FIRE_AND_FORGET_ENGINE literal kept_name(std::string_view text) noexcept {
    const std::string_view whole = text.substr(0, text.find('\0'));
    const settings_lock held;
    const char* const kept = kept_names.get(held).keep(whole.substr(0, name_store::longest));
    return kept != nullptr ? literal::from_static(kept) : literal("(one name too many)");
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
