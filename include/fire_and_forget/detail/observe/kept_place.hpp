// SPDX-License-Identifier: MIT
#pragma once

// Which tasks those are that an observer has heard of. The texts that a task comes with are
// constants of the module it was fired in, and gone when that is unloaded; what an observer has to
// say later is in texts of its own.

#include "../../call_site.hpp"
#include "../../observer.hpp"
#include "../platform/abi.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// As the task has it, while it is there.
struct place_view {
    std::string_view file;
    std::uint_least32_t line;
    std::string_view function;
    std::string_view name;
};

inline place_view place_of(const observed_task& task) noexcept {
    return {task.where.file_name(), task.where.line(), task.where.function_name(), task.name};
}

/// The same for good.
struct kept_place {
    std::string file;
    std::uint_least32_t line;
    std::string function;
    std::string name;

    explicit kept_place(const place_view& seen)
        : file(seen.file), line(seen.line), function(seen.function), name(seen.name) {}

    /// "feed.cpp:42"
    std::string where() const { return std::string(base_name(file)) + ':' + std::to_string(line); }
};

/// By file and line; finds a kept one by the view of a task.
struct by_place {
    using is_transparent = void;

    template <class One, class Other>
    bool operator()(const One& one, const Other& other) const noexcept {
        return key(one) < key(other);
    }

private:
    template <class Place>
    static auto key(const Place& of) noexcept {
        return std::tuple<std::string_view, std::uint_least32_t, std::string_view,
                          std::string_view>(of.file, of.line, of.name, of.function);
    }
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
