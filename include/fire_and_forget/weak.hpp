// SPDX-License-Identifier: MIT
#pragma once

// Tasks that are for an object which may be gone when they come to run: then they don't. Who runs
// them asks.

#include "detail/platform/abi.hpp"
#include "detail/task/callable.hpp"

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

namespace detail {

/// Whether Fn can be called on behalf of a T: a member on the T, all else without it.
template <class Fn, class T, class... Args>
concept called_for = (std::is_member_pointer_v<std::decay_t<Fn>> &&
                      std::is_invocable_v<Fn, T&, Args...>) ||
                     (!std::is_member_pointer_v<std::decay_t<Fn>> &&
                      std::is_invocable_v<Fn, Args...>);

template <class T>
inline constexpr bool is_owner_pointer = false;
template <class T>
inline constexpr bool is_owner_pointer<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_owner_pointer<std::weak_ptr<T>> = true;

} // namespace detail

/// What weak() returns, to be fired: a callable, and who it is for. It is not meant to be called by
/// others; it throws std::bad_weak_ptr then if its owner is gone.
template <class T, class Fn>
class weak_call {
public:
    /// For weak().
    template <class F>
    weak_call(std::weak_ptr<T> owner, F&& fn)
        : owner_(std::move(owner)), fn_(std::forward<F>(fn)) {}

    /// Calls it, as an lvalue where it may be called again.
    template <class... Args>
    requires detail::called_for<Fn&, T, Args...>
    decltype(auto) operator()(Args&&... args) & { return call(fn_, std::forward<Args>(args)...); }
    /// Calls it, for the last time.
    template <class... Args>
    requires detail::called_for<Fn, T, Args...>
    decltype(auto) operator()(Args&&... args) && {
        return call(std::move(fn_), std::forward<Args>(args)...);
    }

    /// The library asks before it takes it: whether fn is null.
    bool is_empty() const requires detail::nullable<Fn> { return detail::is_empty(fn_); }

    /// The library asks before a call, and has the owner live until let_owner_go(), or the end of
    /// *this. False if it is gone.
    bool try_keep_owner() noexcept {
        kept_ = owner_.lock();
        return kept_ != nullptr;
    }
    /// The owner may go.
    void let_owner_go() noexcept { kept_.reset(); }

private:
    template <class F, class... Args>
    decltype(auto) call(F&& fn, Args&&... args) {
        const std::shared_ptr<T> owner = kept_ != nullptr ? kept_ : std::shared_ptr<T>(owner_);
        if constexpr (std::is_member_pointer_v<Fn>) {
            return std::invoke(fn, *owner, std::forward<Args>(args)...);
        } else {
            return std::invoke(std::forward<F>(fn), std::forward<Args>(args)...);
        }
    }

    std::weak_ptr<T> owner_;
    std::shared_ptr<T> kept_{};
    Fn fn_;
};

namespace detail {

template <class T, class Fn>
inline constexpr bool has_owner<weak_call<T, Fn>> = true;

} // namespace detail

/// `fn`, for an owner that may be gone by the time it would run: then it is skipped.
///
///     fire_and_forget(faf::weak(shared_from_this(), [this] { refresh(); }));
///     fire_and_forget({.every = 1min}, faf::weak(cache, &cache::refresh));
///     fire_and_forget(pool, faf::weak(session, &session::send), std::move(text));
///
/// owner: a std::shared_ptr or std::weak_ptr, kept as a weak one: what waits does not keep the
/// owner. An empty one is an owner that is gone.
/// fn: as fire_and_forget() takes it; a pointer to a member is called on the owner. One that is
/// null, or an empty std::function, is refused as ever, with refusal::empty_callable.
///
/// The owner lives as long as fn runs; so the last to have it may be the task, which then destroys
/// it. A coroutine has it from its start until it ends, whatever it waits for. With options::every
/// the owner is free between the runs, and what repeats ends when it is gone.
/// A task that is skipped has been cancelled: it is counted as that, and reported to those who ask
/// for it (faf::hears) as "its owner is gone".
///
/// Pitfalls: don't fire it at a task_scope that is a member of the owner. That waits for its tasks,
/// and would end in one of them; there a plain `[this]` is right. An owner that captures what is
/// fired, or the other way round, by a shared_ptr is not weak any more.
/// Throws: what copying fn throws.
/// Cost: 32 bytes, and for each run two atomic read-modify-writes of the owner's count.
template <class Owner, class Fn>
auto weak(const Owner& owner, Fn&& fn) {
    static_assert(detail::is_owner_pointer<Owner>,
                  "fire_and_forget: faf::weak takes a std::shared_ptr or std::weak_ptr to the "
                  "owner: nobody else can tell when that is gone.");
    if constexpr (detail::is_owner_pointer<Owner>) {
        using owned = typename Owner::element_type;
        return weak_call<owned, std::decay_t<Fn>>(std::weak_ptr<owned>(owner),
                                                  std::forward<Fn>(fn));
    } else {
        return [] {}; // so that nothing else is wrong with the call
    }
}

} // namespace faf::inline FIRE_AND_FORGET_ABI
