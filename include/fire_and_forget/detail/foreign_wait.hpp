// SPDX-License-Identifier: MIT
#pragma once

// Awaiting what is not of this library. Whoever resumes may do so on any thread; the coroutine still
// goes on where it was.

#include "abi.hpp"
#include "attempt.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "frame_pool.hpp"

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// A chain that waits until somebody else's code says so, on any thread, maybe at once.
///
/// Invariants  G1  Two events resume the chain, in either order: settle(), by whoever it waits for,
///                 and leave(), when it has come to rest. Each exchanges the state; the second one
///                 has it continue, and only the second one may touch it.
/// Orderings   O1  The exchanges acquire and release: whoever comes second sees all that the other
///                 wrote.
class outside_wait {
public:
    outside_wait() noexcept = default;
    outside_wait(const outside_wait&) = delete;
    outside_wait& operator=(const outside_wait&) = delete;

    /// False if it has been settled already.
    bool leave(chain& waiting) noexcept {
        waiting_ = &waiting;
        scheduler* const on = waiting.settle_on_scheduler();
        if (on != nullptr) {
            on->keep_scheduler(); // until settle() has used it
        }
        if (state_.exchange(state::left, std::memory_order_acq_rel) != state::settled) { // O1
            return true;
        }
        if (on != nullptr) {
            on->release_scheduler();
        }
        return false;
    }

    /// Has the chain continue. *this may be gone afterwards.
    void settle() {
        if (state_.exchange(state::settled, std::memory_order_acq_rel) != state::left) { // O1
            return;
        }
        chain& resumed = *waiting_;
        scheduler* const on = resumed.on();
        if (on == nullptr || !on->resume_soon(resumed)) {
            chain::abandon(resumed, "its executor closed while it waited for something else");
        }
        if (on != nullptr) {
            on->release_scheduler();
        }
    }

    /// What it waited for is gone: await_resume() throws.
    void give_up() {
        is_lost_ = true;
        settle();
    }

    bool is_lost() const noexcept { return is_lost_; }

private:
    enum class state : std::uint8_t { none, settled, left };

    std::atomic<state> state_{state::none};
    chain* waiting_ = nullptr;
    bool is_lost_ = false;
};

/// The coroutine that stands in for the chain: somebody else's code resumes or destroys it. It frees
/// itself.
struct stand_in {
    struct promise_type : from_frame_pool {
        explicit promise_type(outside_wait& of) noexcept : of_(&of) {}
        ~promise_type() {
            if (of_ != nullptr) {
                std::exchange(of_, nullptr)->give_up();
            }
        }
        promise_type(const promise_type&) = delete;
        promise_type& operator=(const promise_type&) = delete;

        stand_in get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        static std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() { std::exchange(of_, nullptr)->settle(); }
        static void unhandled_exception() noexcept {}

        /// It is not needed.
        void forget() noexcept { of_ = nullptr; }

    private:
        outside_wait* of_;
    };

    static stand_in make([[maybe_unused]] outside_wait& of) { co_return; }

    std::coroutine_handle<promise_type> handle;
};

/// Awaits `A` by its own rules.
template <class A>
class foreign_wait {
public:
    foreign_wait(chain& of, A&& awaitable)
        : of_(of), awaiter_(detail::get_awaiter(std::forward<A>(awaitable))) {}
    foreign_wait(const foreign_wait&) = delete;
    foreign_wait& operator=(const foreign_wait&) = delete;

    bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.set_next(waiting, waiting.promise());
        of_.now().leave_by(&leave, this);
    }

    decltype(auto) await_resume() {
#if defined(__cpp_exceptions)
        if (thrown_ != nullptr) {
            std::rethrow_exception(std::move(thrown_));
        }
#endif
        if (wait_.is_lost()) {
            throw_cancelled();
        }
        return awaiter_.await_resume();
    }

private:
    static bool leave(chain& waiting, void* self) {
        auto& wait = *static_cast<foreign_wait*>(self);
        bool is_suspended = false;
        attempt([&] { is_suspended = wait.suspend(); },
                [&] { wait.thrown_ = std::current_exception(); });
        return is_suspended && wait.wait_.leave(waiting);
    }

    bool suspend() {
        using answer = decltype(awaiter_.await_suspend(std::coroutine_handle<>()));
        const auto made = stand_in::make(wait_).handle;
        struct until_given_away {
            std::coroutine_handle<stand_in::promise_type> handle;
            ~until_given_away() {
                if (handle) {
                    handle.promise().forget();
                    handle.destroy();
                }
            }
        } guard{made};
        if constexpr (std::is_void_v<answer>) {
            awaiter_.await_suspend(std::coroutine_handle<>(made));
        } else if constexpr (std::is_same_v<answer, bool>) {
            if (!awaiter_.await_suspend(std::coroutine_handle<>(made))) {
                return false;
            }
        } else {
            const std::coroutine_handle<> next =
                awaiter_.await_suspend(std::coroutine_handle<>(made));
            guard.handle = nullptr;
            // What that throws is not this coroutine's: it stays suspended, for its handle is out.
            attempt([&] { next.resume(); }, [&] { of_.now().run().failed_with_exception(); });
        }
        guard.handle = nullptr;
        return true;
    }

    chain& of_;
    awaiter_of<A> awaiter_;
    outside_wait wait_;
    std::exception_ptr thrown_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
