// SPDX-License-Identifier: MIT
#pragma once

// Has coroutines wait for callbacks. coroutine.hpp includes this; what waits and what is awaited is
// in detail/coroutine/completion_state.hpp.

#include "detail/platform/coroutines.hpp"

#include "detail/coroutine/awaitable.hpp"
#include "detail/coroutine/chain.hpp"
#include "detail/coroutine/chain_waits.hpp"
#include "detail/coroutine/completion_state.hpp"
#include "detail/coroutine/outside_wait.hpp"
#include "detail/coroutine/thrown.hpp"
#include "detail/platform/abi.hpp"

#include <exception>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI {

/// A callback as something to await. Whoever gets the callback completes it, on any thread, before
/// or after the co_await:
///
///     faf::completion<int> done;
///     read_async(file, done.completer());
///     int bytes = co_await done;
///
/// The coroutine goes on where it was, not on the thread of the callback. It is completed once: of
/// several calls, also at the same time, one counts and the others are ignored. From then on each
/// co_await gives the result, to one coroutine or several. A T that can't be copied is moved out by
/// the first, as by `co_await std::move(done)`.
/// Errors: fail() has the co_await throw. Where every completer() has been destroyed without a
/// call, it throws task_cancelled. It throws std::logic_error in a coroutine that comes while
/// another one waits, and where the value has been moved out before.
/// Exit, drain and shutdown wait for a coroutine that waits here; if nobody completes it, it is
/// reported as abandoned and destroyed.
/// Thread safety: it may be completed by any thread, while another awaits it.
/// Lifetime: a completer may be called, or end, whenever it likes. complete() and fail() need the
/// completion itself, which ends with the coroutine if it is a variable there.
/// Cost: one allocation, from the pool of the frames.
template <class T = void>
class completion : public detail::awaitable_in_chain_only {
    using state_type = detail::completion_state<T>;
    using continuation = detail::outside_wait::continuation;
    template <bool Takes>
    using in_place_wait =
        detail::wait_maker<detail::completion_wait<T, Takes>, state_type&, continuation>;

public:
    /// Throws: std::bad_alloc.
    completion() : state_(new state_type) {}

    /// From here on only completers can complete it, and nobody comes to wait.
    ~completion() { state_->remove_completion(); }
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;

    /// Completes it with a T made of `args`; what making it throws, the co_await throws. *this may
    /// be gone afterwards. False if it has been completed before.
    template <class... Args>
    requires(!std::is_void_v<T> || sizeof...(Args) == 0) bool complete(Args&&... args) {
        return state_->complete(std::forward<Args>(args)...);
    }

    /// Completes it with an exception, which the co_await throws. *this may be gone afterwards.
    /// False if it has been completed before.
    bool fail(std::exception_ptr why) { return state_->fail(std::move(why)); }

    /// A callable that completes it, as completer() makes it. Its copies complete the same, so it
    /// fits into a std::function.
    ///
    /// Thread safety: it may be called by several threads. Lifetime: it may outlive the completion.
    class completer_type {
    public:
        /// Another one of the same completion.
        completer_type(const completer_type& other) noexcept : state_(other.state_) {
            if (state_ != nullptr) {
                state_->add_completer();
            }
        }

        /// Takes the place of the other, which does nothing afterwards.
        completer_type(completer_type&& other) noexcept
            : state_(std::exchange(other.state_, nullptr)) {}

        /// Is what the other was; what it was itself goes.
        completer_type& operator=(completer_type other) noexcept {
            std::swap(state_, other.state_);
            return *this;
        }

        /// The last one that goes without a call cancels who waits.
        ~completer_type() {
            if (state_ != nullptr) {
                state_->remove_completer();
            }
        }

        /// Completes it with a T made of `args`; what making it throws, the co_await throws. False
        /// if that was ignored: it has been completed before, or *this was moved from.
        template <class... Args>
        requires(!std::is_void_v<T> || sizeof...(Args) == 0) bool operator()(Args&&... args) const {
            return state_ != nullptr && state_->complete(std::forward<Args>(args)...);
        }

    private:
        friend completion;
        explicit completer_type(completion& of) noexcept : state_(of.state_) {
            state_->add_completer();
        }

        state_type* state_;
    };

    /// `co_await done.in_place()`: as co_await done, but the coroutine goes on in the thread that
    /// completes it, inside of that call, up to its next wait; after that it is where it was again.
    ///
    /// That saves a turn of the executor, where the callback comes on a thread that may run it: in
    /// the loop of an asio server, say. Whoever completes it waits for the coroutine meanwhile, and
    /// must hold no lock that it may want.
    /// A coroutine that completes what another one awaits in place, itself inside of such a call,
    /// has that one go on by its executor: calls do not pile up.
    in_place_wait<false> in_place() & noexcept { return {*state_, continuation::here}; }

    /// The same, and moves the result out, as by `co_await std::move(done)`.
    in_place_wait<true> in_place() && noexcept { return {*state_, continuation::here}; }

    /// Makes a callback that completes it. There may be several.
    completer_type completer() noexcept { return completer_type(*this); }

private:
    friend detail::await_access;

    auto awaiter_in(detail::chain& of) & noexcept {
        return detail::completion_wait<T, false>(of, *state_, continuation::by_executor);
    }
    auto awaiter_in(detail::chain& of) && noexcept {
        return detail::completion_wait<T, true>(of, *state_, continuation::by_executor);
    }

    state_type* state_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI

#include "detail/engine.hpp"
#if !defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#include "detail/coroutine/engine.ipp"
#endif
