// SPDX-License-Identifier: MIT
#pragma once

// To await several things at once, in a coroutine: all of them, the first of them, or one of them
// for some time. detail/coroutine/branches.hpp is the inside.

#include "coroutine.hpp"
#include "detail/coroutine/branches.hpp"
#include "detail/platform/abi.hpp"
#include "time_span.hpp"

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// Thrown by a co_await of with_timeout when the time was up first.
class timed_out : public std::exception {
public:
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

    /// Throws the first of the exceptions in the order of what was given, and tells the others.
    template <class Each>
    void check(Each for_each) const {
        std::exception_ptr first;
        for_each([&](const auto& one) {
            if (const std::exception_ptr why = one.exception(); why != nullptr) {
                first == nullptr ? static_cast<void>(first = why) : tell(why);
            }
        });
        rethrow_if_any(first);
    }

private:
    static bool leave(chain&, void* self) {
        auto& wait = *static_cast<Wait*>(static_cast<joint_wait*>(self));
        attempt([&] { wait.open(wait.count()); }, [&] { wait.thrown_ = std::current_exception(); });
        if (wait.thrown_ != nullptr) {
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
    tuple_wait(chain& of, bool stops_others, std::tuple<As...>&& awaited)
        : base(of, stops_others), awaited_(std::move(awaited)) {}
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
    range_wait(chain& of, bool stops_others, std::vector<A>&& awaited)
        : base(of, stops_others), awaited_(std::move(awaited)),
          results_(new branch_result<await_in_chain_t<A>>[awaited_.size()]) {}
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
    std::unique_ptr<branch_result<await_in_chain_t<A>>[]> results_;
};

template <class T>
using value_of_branch = std::remove_cvref_t<typename branch_result<T>::value_type>;

template <class... As>
struct all_of_tuple : tuple_wait<As...> {
    all_of_tuple(chain& of, std::tuple<As...>&& awaited)
        : tuple_wait<As...>(of, false, std::move(awaited)) {}
    std::tuple<typename branch_result<await_in_chain_t<As>>::value_type...> await_resume() {
        this->rethrow();
        this->check(this->each());
        return std::apply(
            [](auto&... one) {
                return std::tuple<typename branch_result<await_in_chain_t<As>>::value_type...>(
                    one.take()...);
            },
            this->results_);
    }
};

template <class A>
struct all_of_range : range_wait<A> {
    using value = value_of_branch<await_in_chain_t<A>>;
    all_of_range(chain& of, std::vector<A>&& awaited)
        : range_wait<A>(of, false, std::move(awaited)) {}
    auto await_resume() {
        this->rethrow();
        this->check(this->each());
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
    std::exception_ptr cancelled;
    std::size_t number = 0;
    for_each([&](const auto& one) {
        const std::exception_ptr why = one.exception();
        if (number++ == first) {
            of_first = why;
        } else if (why != nullptr) {
            wait.tell(why);
            cancelled = why;
        }
    });
    rethrow_if_any(first == branch_group::none ? cancelled : of_first);
}

template <class... As>
struct any_of_tuple : tuple_wait<As...> {
    using result = std::variant<value_of_branch<await_in_chain_t<As>>...>;
    using tuple_wait<As...>::tell;
    any_of_tuple(chain& of, std::tuple<As...>&& awaited)
        : tuple_wait<As...>(of, true, std::move(awaited)) {}
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
        : range_wait<A>(of, true, std::move(awaited)) {}
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

using timer = decltype(sleep_for(std::chrono::seconds(1)));

template <class A>
struct timed_wait : tuple_wait<A, timer> {
    timed_wait(chain& of, std::tuple<A, timer>&& awaited)
        : tuple_wait<A, timer>(of, true, std::move(awaited)) {}
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

template <class A>
concept awaited_together = awaited_in_chain<A> || awaitable<A>;

} // namespace detail

/// `co_await faf::when_all(f(x), g(y))`: starts all of them and goes on when all have ended.
///
///     auto [prices, _] = co_await faf::when_all(load(symbol), faf::sleep_for(1s));
///
/// awaited: tasks and whatever else can be awaited; each is moved in, one with a name (a
/// completion, say) is referred to. Gives a tuple of what they give, with std::monostate for void.
/// Each is awaited by a coroutine of its own on the executor of who awaits them all, so that they
/// run at the same time where that has several threads. They are its parts: drain, counters and
/// reports see it alone.
/// Errors: throws the first exception, in the order of the arguments, when all have ended; others
/// are reported. A stop request of the task reaches all of them.
/// Lifetime: who awaits them goes on, or is destroyed, only when all of them have ended; what they
/// refer to in its frame is there as long as that.
/// Cost: two frames each, from the pool of the frames, and a turn of the executor.
template <class... As>
detail::joint_awaitable<detail::all_of_tuple<As...>, std::tuple<As...>> when_all(As&&... awaited) {
    static_assert((detail::awaited_together<As> && ...),
                  "fire_and_forget: what is given to when_all has to be awaitable, and a task an "
                  "rvalue: std::move(it).");
    return detail::joint_awaitable<detail::all_of_tuple<As...>, std::tuple<As...>>(
        std::tuple<As...>(std::forward<As>(awaited)...));
}

/// The same for as many as there are. Gives a vector of what they give; nothing, for void.
///
///     std::vector<faf::task<int>> parts;
///     for (const auto& file : files) { parts.push_back(count_lines(file)); }
///     const std::vector<int> lines = co_await faf::when_all(std::move(parts));
///
/// Errors, Lifetime, Cost: as above.
template <class A>
detail::joint_awaitable<detail::all_of_range<A>, std::vector<A>>
when_all(std::vector<A>&& awaited) {
    return detail::joint_awaitable<detail::all_of_range<A>, std::vector<A>>(std::move(awaited));
}

/// `co_await faf::when_any(f(x), g(y))`: starts all of them and gives what the first one gives that
/// ends, as a std::variant whose index says which.
///
/// The others are asked to stop, as by the stop_token of their task, which also ends their waits
/// for completions, and are awaited: nothing goes on behind the back of who awaits. What does not
/// heed that, as an awaitable of another library, is waited for.
/// Errors: throws what the first one threw. What others throw but task_cancelled is reported.
/// Lifetime, Cost: as for when_all. A completion that is awaited here is completed by a completer
/// only: the completion itself may be gone when it comes too late.
template <class... As>
requires(sizeof...(As) > 0) detail::joint_awaitable<detail::any_of_tuple<As...>,
                                                    std::tuple<As...>> when_any(As&&... awaited) {
    static_assert((detail::awaited_together<As> && ...),
                  "fire_and_forget: what is given to when_any has to be awaitable, and a task an "
                  "rvalue: std::move(it).");
    return detail::joint_awaitable<detail::any_of_tuple<As...>, std::tuple<As...>>(
        std::tuple<As...>(std::forward<As>(awaited)...));
}

/// The same for as many as there are. Gives a faf::first_of; for void with a std::monostate.
///
/// Errors: as above. It throws std::logic_error if there are none.
template <class A>
detail::joint_awaitable<detail::any_of_range<A>, std::vector<A>>
when_any(std::vector<A>&& awaited) {
    return detail::joint_awaitable<detail::any_of_range<A>, std::vector<A>>(std::move(awaited));
}

/// `co_await faf::with_timeout(f(x), 3s)`: what f gives, or an exception when it takes longer.
///
///     try {
///         show(co_await faf::with_timeout(load(symbol), 200ms));
///     } catch (const faf::timed_out&) { show_stale(); }
///
/// When the time is up, f is asked to stop, as by the stop_token of its task: that ends its sleeps
/// and its waits, for completions too, by task_cancelled. It is awaited to its end all the same;
/// what it gives then, if it does not heed that, is given and not lost.
/// Throws: timed_out, if it was ended by that; what f throws.
/// Lifetime, Cost: as for when_any, and a timer.
template <class A>
detail::joint_awaitable<detail::timed_wait<A>, std::tuple<A, detail::timer>>
with_timeout(A&& awaited, time_span limit) {
    static_assert(detail::awaited_together<A>,
                  "fire_and_forget: what is given to with_timeout has to be awaitable, and a task "
                  "an rvalue: std::move(it).");
    return detail::joint_awaitable<detail::timed_wait<A>, std::tuple<A, detail::timer>>(
        std::tuple<A, detail::timer>(std::forward<A>(awaited), sleep_for(limit)));
}

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/branches.ipp"
#endif
