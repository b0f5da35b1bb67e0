// SPDX-License-Identifier: MIT
#pragma once

// How the coroutines of a chain hand on control, results and exceptions. The task<T> of
// ../../coroutine.hpp is made of this.

#include "../../time_span.hpp"
#include "../platform/abi.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "foreign_wait.hpp"
#include "frame_pool.hpp"
#include "not_awaitable.hpp"
#include "thrown.hpp"

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace faf::inline FIRE_AND_FORGET_ABI {

template <class T>
class task;

namespace detail {

/// How a chain gets the awaiter of an awaitable of the library, which shows users none.
struct await_access {
    template <class A>
    static auto awaiter(A&& awaitable, chain& of) noexcept
        -> decltype(std::forward<A>(awaitable).awaiter_in(of)) {
        return std::forward<A>(awaitable).awaiter_in(of);
    }
};

/// An awaitable of the library. It has no use outside of a chain.
template <class A>
concept awaited_in_chain = requires(A&& awaitable, chain& of) {
    await_access::awaiter(std::forward<A>(awaitable), of);
};

/// Makes a type awaitable in the sense of the language, so that what fires it knows; but only
/// coroutines of the library can await it.
struct awaitable_in_chain_only {
    struct nowhere {
        static bool await_ready() noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise>) const {
            static_assert(!std::is_same_v<Promise, Promise>,
                          "fire_and_forget: only a faf::task or faf::detached can await this.");
        }
        static void await_resume() noexcept {}
    };
    nowhere operator co_await() const noexcept { return {}; }
};

/// Wraps whatever a coroutine of a chain awaits.
struct chain_member : frame_link {
    template <class A>
    auto await_transform(A&& awaitable) {
        if constexpr (awaited_in_chain<A>) {
            // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): it misses that `of` is set
            return await_access::awaiter(std::forward<A>(awaitable), *of);
        } else if constexpr (std::is_base_of_v<awaitable_in_chain_only, std::remove_cvref_t<A>>) {
            static_assert(
                !std::is_same_v<A, A>,
                "fire_and_forget: a task is awaited as an rvalue: co_await std::move(it).");
            return std::suspend_never();
        } else if constexpr (!detail::awaitable<A> && meant_as_time_span<std::remove_cvref_t<A>>) {
            static_assert(!std::is_same_v<A, A>,
                          "fire_and_forget: a time can't be awaited: co_await faf::sleep_for(3s).");
            return std::suspend_never();
        } else if constexpr (detail::awaitable<A>) {
            return foreign_wait<A>(*of, std::forward<A>(awaitable));
        } else {
            return say_why_not_awaitable<A>();
        }
    }
};

/// Hands control to whoever awaits the coroutine.
struct end_of_coroutine {
    static bool await_ready() noexcept { return false; }
    template <class Promise>
    static void await_suspend(std::coroutine_handle<Promise> ended) noexcept {
        frame_link& link = ended.promise();
        if (link.awaited_by != nullptr) {
            link.of->set_next(link.awaited_by->parent, *link.awaited_by->parent_link);
        } else {
            link.of->now().note_return();
        }
    }
    static void await_resume() noexcept {}
};

/// An exception that can be kept. The one by which a thread is ended can't be: it goes on.
std::exception_ptr exception_to_keep();

void rethrow_if_any([[maybe_unused]] const std::exception_ptr& kept);

/// What a coroutine came to.
template <class T>
class coroutine_result {
    static constexpr bool is_copy_only =
        std::is_copy_constructible_v<T> && !std::is_move_constructible_v<T>;
    template <class U>
    static constexpr bool is_copied = is_copy_only&& std::same_as<std::remove_cvref_t<U>, T>;

public:
    /// As `return` would: what converts by itself, and what stands in braces. One that can't be
    /// moved is copied.
    template <class U = T>
    requires(std::convertible_to<U, T> || is_copied<U>) void return_value(U&& value) {
        if constexpr (is_copied<U>) {
            emplace(std::as_const(value));
        } else if constexpr (std::same_as<std::remove_cvref_t<U>, T> || std::is_arithmetic_v<T>) {
            emplace(std::forward<U>(value));
        } else {
            emplace(as_returned(std::forward<U>(value)));
        }
    }
    template <class U>
    requires(!std::convertible_to<U, T> && !is_copied<U>) void return_value(U&&) {
        static_assert(!std::is_same_v<U, U>,
                      "fire_and_forget: what is co_returned does not convert to the task's type, "
                      "as it would have to for a `return`.");
    }
    template <class... Args>
    void emplace(Args&&... args) {
        came_to_.template emplace<1>(std::forward<Args>(args)...);
    }
    void unhandled_exception() { fail(exception_to_keep()); }
    void fail(std::exception_ptr why) { came_to_.template emplace<2>(std::move(why)); }

    T take() {
        rethrow_if_any(exception());
        if constexpr (is_copy_only) {
            return std::get<1>(came_to_);
        } else {
            return std::move(std::get<1>(came_to_));
        }
    }
    T copy() const {
        rethrow_if_any(exception());
        return std::get<1>(came_to_);
    }
    std::exception_ptr exception() const noexcept {
        const auto* const kept = std::get_if<2>(&came_to_);
        return kept != nullptr ? *kept : nullptr;
    }
    T& value() noexcept { return *std::get_if<1>(&came_to_); }

private:
    template <class U>
    static T as_returned(U&& value) {
        return std::forward<U>(value);
    }

    std::variant<std::monostate, T, std::exception_ptr> came_to_;
};

template <class T>
class coroutine_result<T&> {
public:
    void return_value(T& value) noexcept { value_ = std::addressof(value); }
    void emplace(T& value) noexcept { return_value(value); }
    void unhandled_exception() { fail(exception_to_keep()); }
    void fail(std::exception_ptr why) noexcept { exception_ = std::move(why); }

    T& take() const {
        rethrow_if_any(exception_);
        return *value_;
    }
    const std::exception_ptr& exception() const noexcept { return exception_; }
    T& value() noexcept { return *value_; }

private:
    T* value_ = nullptr;
    std::exception_ptr exception_;
};

/// A T&& that is returned refers to what somebody else keeps.
template <class T>
class coroutine_result<T&&> : public coroutine_result<T&> {
public:
    void return_value(T&& value) noexcept { this->emplace(value); }

    T&& take() const { return std::move(coroutine_result<T&>::take()); }
};

template <>
class coroutine_result<void> {
public:
    static void return_void() noexcept {}
    void unhandled_exception() { fail(exception_to_keep()); }
    void fail(std::exception_ptr why) noexcept { exception_ = std::move(why); }

    void take() const { rethrow_if_any(exception_); }
    const std::exception_ptr& exception() const noexcept { return exception_; }

private:
    std::exception_ptr exception_;
};

template <class T>
struct task_promise : chain_member, from_frame_pool, coroutine_result<T> {
    task<T> get_return_object() noexcept {
        return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static end_of_coroutine final_suspend() noexcept { return {}; }
};

inline constexpr const char* empty_task =
    "the faf::task is empty: it was awaited before, or moved from";

/// Runs a task<T> and owns its frame meanwhile.
template <class T>
class wait_for_task : link_to_child {
public:
    explicit wait_for_task(std::coroutine_handle<task_promise<T>> awaited) noexcept
        : link_to_child{awaited} {}
    wait_for_task(const wait_for_task&) = delete;
    wait_for_task& operator=(const wait_for_task&) = delete;
    ~wait_for_task() {
        if (child) {
            child.destroy();
        }
    }

    bool await_ready() const noexcept { return !child; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        frame_link& mine = waiting.promise();
        frame_link& next = promise();
        parent = waiting;
        parent_link = &mine;
        next.of = mine.of;
        next.awaited_by = this;
        mine.of->set_next(child, next);
    }

    T await_resume() {
        if (!child) {
            throw_misuse(empty_task);
        }
        return promise().take();
    }

private:
    task_promise<T>& promise() const noexcept {
        return std::coroutine_handle<task_promise<T>>::from_address(child.address()).promise();
    }
};

} // namespace detail
} // namespace faf::inline FIRE_AND_FORGET_ABI
