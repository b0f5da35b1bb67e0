// SPDX-License-Identifier: MIT
#pragma once

// How a coroutine awaits several things at once: each is awaited by a coroutine of its own, beside
// it. The when_all, when_any and with_timeout of ../../when_all.hpp are made of this.

#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "../platform/linked_stop_source.hpp"
#include "../platform/platform.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/stop_token.hpp"
#include "../task/task_run.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "frame_pool.hpp"
#include "not_awaitable.hpp"
#include "outside_wait.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// What a co_await of it gives in a coroutine of the library.
template <class A>
auto await_result_in_chain() {
    if constexpr (awaited_in_chain<A>) {
        using awaiter = decltype(await_access::awaiter(std::declval<A>(), std::declval<chain&>()));
        return std::type_identity<decltype(std::declval<awaiter&>().await_resume())>();
    } else if constexpr (awaitable<A>) {
        return std::type_identity<await_result_t<A>>();
    } else {
        return std::type_identity<no_result>(); // whoever asks says what is wrong
    }
}
template <class A>
using await_in_chain_t = typename decltype(await_result_in_chain<A>())::type;

/// Which end of a branch asks the others to stop.
enum class stops_others : std::uint8_t { by_no_end, by_any_end, by_failure };

/// How a branch ends; one that is given up before it comes to that fails.
enum class branch_end : std::uint8_t { succeeded, failed };

/// What the branches of one co_await have in common; it is settled when all of them have ended.
class branch_group final : public outside_event, public from_frame_pool {
public:
    static constexpr std::size_t none = (std::numeric_limits<std::size_t>::max)();

    branch_group(std::size_t many, stops_others when) noexcept : when_(when), left_(many) {}

    /// One has come to its end: the first one that is to stop the others does, if they heed that.
    void note_result(std::size_t number, branch_end how);

    /// One is gone, with its frames.
    void note_end();

    /// The one that has stopped the others.
    std::size_t first() const noexcept { return first_.load(std::memory_order_relaxed); }

    /// What asks those to stop that are not the first; empty: nobody does.
    std::optional<kept_stop_source> stops;
    std::optional<linked_stop_source> either; ///< the same, and who awaits them all

private:
    const stops_others when_;
    std::atomic<std::size_t> left_;
    std::atomic<std::size_t> first_{none};
};

/// What one of them came to.
template <class T>
struct branch_result {
    using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

    coroutine_result<T> came_to;
    bool has_ended = false; ///< by itself; else it was given up

    void fail(std::exception_ptr why) {
        came_to.fail(std::move(why));
        has_ended = true;
    }
    std::exception_ptr exception() const {
#if defined(__cpp_exceptions)
        if (!has_ended) {
            return std::make_exception_ptr(task_cancelled());
        }
#endif
        return came_to.exception();
    }
    value_type take() {
        if constexpr (std::is_void_v<T>) {
            return {};
        } else {
            return came_to.take();
        }
    }
};

/// A coroutine that awaits one of them, and leaves what that came to with who awaits all.
template <class T>
struct branch {
    class promise_type : public chain, public chain_member, public frame_or_null {
    public:
        template <class A>
        promise_type(branch_group& group, branch_result<T>& into, std::size_t at, A&) noexcept
            : chain(std::in_place_type<promise_type>), group_(group), into_(into), number_(at) {
            group.keep();
        }

        branch get_return_object() noexcept { return {this}; }
        static branch get_return_object_on_allocation_failure() noexcept { return {nullptr}; }

        struct start {
            static bool await_ready() noexcept { return false; }
            static void await_suspend(std::coroutine_handle<promise_type> made) noexcept {
                promise_type& mine = made.promise();
                mine.of = &mine;
                mine.set_next(made, mine);
            }
            static void await_resume() noexcept {}
        };
        static start initial_suspend() noexcept { return {}; }
        static end_of_coroutine final_suspend() noexcept { return {}; }
        void unhandled_exception() { into_.came_to.unhandled_exception(); }
        static void return_void() noexcept {}

    private:
        static promise_type& promise_of(chain& one) noexcept {
            return static_cast<promise_type&>(one);
        }
        static void look(chain& ended, task_run&) {
            promise_type& mine = promise_of(ended);
            mine.into_.has_ended = true;
            mine.group_.note_result(mine.number_, mine.into_.came_to.exception() == nullptr
                                                      ? branch_end::succeeded
                                                      : branch_end::failed);
        }
        static void destroy_it(chain& ended) {
            promise_type& mine = promise_of(ended);
            branch_group& group = mine.group_;
            if (!mine.into_.has_ended) {
                group.note_result(mine.number_, branch_end::failed);
            }
            const scope_guard at_the_end([&group] {
                group.note_end();
                group.release();
            });
            std::coroutine_handle<promise_type>::from_promise(mine).destroy();
        }
        friend chain;
        static constexpr chain_type how_it_ends{&look, &destroy_it};

        branch_group& group_;
        branch_result<T>& into_;
        const std::size_t number_;
    };

    promise_type* made;
};

template <class T, class A>
branch<T> await_beside(branch_group&, branch_result<T>& into, std::size_t, A awaited) {
    if constexpr (std::is_void_v<T>) {
        static_cast<void>(into);
        co_await std::forward<A>(awaited);
    } else {
        into.came_to.return_value(co_await std::forward<A>(awaited));
    }
}

/// The wait of who awaits them: starts them, and goes on when all have ended.
class branches_wait {
public:
    branches_wait(chain& of, stops_others when) noexcept : of_(of), when_(when) {}
    branches_wait(const branches_wait&) = delete;
    branches_wait& operator=(const branches_wait&) = delete;
    ~branches_wait() {
        forget();
        give_back(token_);
    }

protected:
    /// Makes the group, and says what the branches' own token is. May throw.
    void open(std::size_t many);

    /// Has one start, made by `make`, that leaves what it comes to in `into`.
    template <class T, class A>
    void start(branch_result<T>& into, std::size_t number, A&& awaited) {
        chain* made = nullptr;
        attempt(
            [&] {
                made = await_beside<T, A>(*group_, into, number, std::forward<A>(awaited)).made;
                if (made == nullptr) {
                    into.fail(std::make_exception_ptr(std::bad_alloc()));
                }
            },
            [&] { into.fail(exception_to_keep()); });
        if (made != nullptr) {
            made->begin_beside(of_, token_, when_ != stops_others::by_no_end);
        } else {
            group_->note_result(number, branch_end::failed);
            group_->note_end();
        }
    }

    /// Whether it waits, once all are started. For the departure of its stretch.
    bool leave_after_start();

    /// An exception that nobody else hears of, if there is one.
    void tell(const std::exception_ptr& why) const;

    branch_group* group() const noexcept { return group_; }
    chain& of() const noexcept { return of_; }

    /// Has the chain of `waiting` leave by `leave`.
    template <class Promise>
    void depart(std::coroutine_handle<Promise> waiting, stretch::departure leave,
                void* self) noexcept {
        of_.rest_at(waiting, leave, self);
    }

private:
    void forget() noexcept {
        if (group_ != nullptr) {
            std::exchange(group_, nullptr)->release();
        }
    }

    chain& of_;
    const stops_others when_;
    branch_group* group_ = nullptr;
    stop_token token_{};
    outside_wait wait_{outside_wait::frames::shared};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
