// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"

#include <memory>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class Signature>
class function_ref;

template <class F, class Ref>
concept not_itself = !std::is_same_v<std::remove_cvref_t<F>, Ref>;

/// A reference to a callable that lives at least as long as the call it is passed to, as C++26 has
/// it. What it is passed to need not be a template.
template <class Result, class... Args>
class function_ref<Result(Args...)> {
public:
    template <not_itself<function_ref> F>
    function_ref(F&& fn) noexcept {
        using plain = std::remove_reference_t<F>;
        if constexpr (std::is_function_v<plain>) {
            fn_ = reinterpret_cast<void*>(&fn);
        } else {
            fn_ = const_cast<void*>(static_cast<const void*>(std::addressof(fn)));
        }
        call_ = [](void* target, Args... args) -> Result {
            return (*reinterpret_cast<plain*>(target))(std::forward<Args>(args)...);
        };
    }

    Result operator()(Args... args) const { return call_(fn_, std::forward<Args>(args)...); }

private:
    void* fn_;
    Result (*call_)(void*, Args...);
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
