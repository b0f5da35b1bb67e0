// SPDX-License-Identifier: MIT
#pragma once

// The waits of ../../when_all.hpp: what those give and throw that branches.hpp starts and awaits.

#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/durations.hpp"
#include "../platform/library_memory.hpp"
#include "awaitable.hpp"
#include "branches.hpp"
#include "chain.hpp"
#include "chain_waits.hpp"
#include "fired_coroutine.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Thrown by a co_await of with_timeout when the time was up first.
class timed_out : public std::exception {
public:
    /// A sentence without details.
    const char* what() const noexcept override { return "the time was up"; }
};

/// The first of several that ended, and which one it was.
template <class T>
struct first_of {
    std::size_t index; ///< its place among those that were given
    T value;
};

namespace detail {

/// A wait for Count things, of which Wait says how they are started and what they give.
template <class Wait>
class joint_wait : public branches_wait {
public:
    using branches_wait::branches_wait;

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        depart(waiting, &leave, this);
    }

protected:
    void rethrow() const { rethrow_if_any(thrown_); }

    /// Throws one of the exceptions, and tells the others: the first in the order of what was
    /// given, but where one has stopped the others the first in time that was no cancellation.
    template <class Each>
    void rethrow_first(Each for_each) const {
        const std::size_t first = group() != nullptr ? group()->first() : branch_group::none;
        const auto is_better = [first](std::size_t number, const auto& why, const auto& than) {
            const bool counts = first != branch_group::none && !is_cancellation(why);
            return counts && (number == first || is_cancellation(than));
        };
        std::exception_ptr thrown;
        std::size_t number = 0;
        for_each([&](const auto& one) {
            std::exception_ptr why = one.exception();
            if (why != nullptr && (thrown == nullptr || is_better(number, why, thrown))) {
                std::swap(thrown, why);
            }
            tell(why);
            ++number;
        });
        rethrow_if_any(thrown);
    }

private:
    static bool leave(chain&, void* self) {
        auto& wait = *static_cast<Wait*>(static_cast<joint_wait*>(self));
        if (!attempt([&] { wait.open(wait.count()); },
                     [&] { wait.thrown_ = std::current_exception(); })) {
            return false;
        }
        wait.start_all();
        return wait.leave_after_start();
    }

    std::exception_ptr thrown_;
};

template <class... As>
class tuple_wait : public joint_wait<tuple_wait<As...>> {
    using base = joint_wait<tuple_wait>;
    friend base;

public:
    tuple_wait(chain& of, stops_others when, std::tuple<As...>&& awaited)
        : base(of, when), awaited_(std::move(awaited)) {}
    static constexpr bool await_ready() noexcept { return sizeof...(As) == 0; }

protected:
    static constexpr std::size_t count() noexcept { return sizeof...(As); }
    void start_all() { start_each(std::index_sequence_for<As...>()); }

    auto each() {
        return
            [this](auto visit) { std::apply([&](auto&... one) { (visit(one), ...); }, results_); };
    }

    std::tuple<branch_result<await_in_chain_t<As>>...> results_;

private:
    template <std::size_t... Number>
    void start_each(std::index_sequence<Number...>) {
        (this->start(std::get<Number>(results_), Number,
                     std::forward<As>(std::get<Number>(awaited_))),
         ...);
    }

    std::tuple<As...> awaited_;
};

template <class A>
class range_wait : public joint_wait<range_wait<A>> {
    using base = joint_wait<range_wait>;
    friend base;

public:
    range_wait(chain& of, stops_others when, std::vector<A>&& awaited)
        : base(of, when), awaited_(std::move(awaited)), results_(awaited_.size()) {}
    bool await_ready() const noexcept { return awaited_.empty(); }

protected:
    std::size_t count() const noexcept { return awaited_.size(); }
    void start_all() {
        for (std::size_t i = 0; i < awaited_.size(); ++i) {
            this->start(results_[i], i, std::move(awaited_[i]));
        }
    }
    auto each() {
        return [this](auto visit) {
            for (std::size_t i = 0; i < awaited_.size(); ++i) {
                visit(results_[i]);
            }
        };
    }

private:
    std::vector<A> awaited_;

protected:
    using its_result = branch_result<await_in_chain_t<A>>;
    std::vector<its_result, library_allocator<its_result>> results_;
};

template <class T>
using value_of_branch = std::remove_cvref_t<typename branch_result<T>::value_type>;

template <stops_others When, class... As>
struct all_of_tuple : tuple_wait<As...> {
    all_of_tuple(chain& of, std::tuple<As...>&& awaited)
        : tuple_wait<As...>(of, When, std::move(awaited)) {}
    std::tuple<typename branch_result<await_in_chain_t<As>>::value_type...> await_resume() {
        this->rethrow();
        this->rethrow_first(this->each());
        return std::apply(
            [](auto&... one) {
                return std::tuple<typename branch_result<await_in_chain_t<As>>::value_type...>(
                    one.take()...);
            },
            this->results_);
    }
};

template <stops_others When, class A>
struct all_of_range : range_wait<A> {
    using value = value_of_branch<await_in_chain_t<A>>;
    all_of_range(chain& of, std::vector<A>&& awaited)
        : range_wait<A>(of, When, std::move(awaited)) {}
    auto await_resume() {
        this->rethrow();
        this->rethrow_first(this->each());
        if constexpr (!std::is_void_v<await_in_chain_t<A>>) {
            std::vector<value> all;
            all.reserve(this->count());
            for (std::size_t i = 0; i < this->count(); ++i) {
                all.push_back(this->results_[i].take());
            }
            return all;
        }
    }
};

/// Of when_any: throws what the first one threw, and tells what others did.
template <class Wait, class Each>
void check_first(const Wait& wait, std::size_t first, Each for_each) {
    std::exception_ptr of_first;
    std::size_t number = 0;
    for_each([&](const auto& one) {
        const std::exception_ptr why = one.exception();
        if (number++ == first) {
            of_first = why;
        } else {
            wait.tell(why);
        }
    });
    rethrow_if_any(of_first);
}

template <class... As>
struct any_of_tuple : tuple_wait<As...> {
    using result = std::variant<value_of_branch<await_in_chain_t<As>>...>;
    using tuple_wait<As...>::tell;
    any_of_tuple(chain& of, std::tuple<As...>&& awaited)
        : tuple_wait<As...>(of, stops_others::by_any_end, std::move(awaited)) {}
    result await_resume() {
        this->rethrow();
        const std::size_t first = this->group()->first();
        check_first(*this, first, this->each());
        return take_first<0>(first);
    }

private:
    template <std::size_t Number>
    result take_first(std::size_t first) {
        if constexpr (Number + 1 < sizeof...(As)) {
            if (first != Number) {
                return take_first<Number + 1>(first);
            }
        }
        return result(std::in_place_index<Number>, std::get<Number>(this->results_).take());
    }
};

template <class A>
struct any_of_range : range_wait<A> {
    using range_wait<A>::tell;
    any_of_range(chain& of, std::vector<A>&& awaited)
        : range_wait<A>(of, stops_others::by_any_end, std::move(awaited)) {}
    first_of<value_of_branch<await_in_chain_t<A>>> await_resume() {
        this->rethrow();
        if (this->group() == nullptr) {
            throw_misuse("when_any was given nothing to wait for");
        }
        const std::size_t first = this->group()->first();
        check_first(*this, first, this->each());
        return {first, this->results_[first].take()};
    }
};

/// What sleep_for makes.
using timer = wait_maker<sleep_wait, std::chrono::nanoseconds>;

template <class A>
struct timed_wait : tuple_wait<A, timer> {
    timed_wait(chain& of, std::tuple<A, timer>&& awaited)
        : tuple_wait<A, timer>(of, stops_others::by_any_end, std::move(awaited)) {}
    await_in_chain_t<A> await_resume() {
        this->rethrow();
        auto& awaited = std::get<0>(this->results_);
        if (const std::exception_ptr why = awaited.exception(); why != nullptr) {
            if (this->group()->first() == 1 && is_cancellation(why) &&
                std::get<1>(this->results_).exception() == nullptr) {
                rethrow_if_any(std::make_exception_ptr(timed_out()));
            }
            rethrow_if_any(why);
        }
        return awaited.came_to.take();
    }
};

/// What when_all and its like return: makes a Wait once it is known who awaits.
template <class Wait, class Awaited>
class [[nodiscard]] joint_awaitable : public awaitable_in_chain_only {
public:
    explicit joint_awaitable(Awaited&& awaited) : awaited_(std::move(awaited)) {}

private:
    friend await_access;
    Wait awaiter_in(chain& of) && { return Wait(of, std::move(awaited_)); }

    Awaited awaited_;
};

template <stops_others When, class... As>
using all_together = joint_awaitable<all_of_tuple<When, As...>, std::tuple<As...>>;
template <stops_others When, class A>
using all_of_these = joint_awaitable<all_of_range<When, A>, std::vector<A>>;

template <class A>
concept awaited_together = awaited_in_chain<A> || awaitable<A>;

} // namespace detail

} // namespace faf::inline FIRE_AND_FORGET_ABI
