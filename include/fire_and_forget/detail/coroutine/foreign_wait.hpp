// SPDX-License-Identifier: MIT
#pragma once

// Awaiting what is not of this library. Whoever resumes may do so on any thread; the coroutine
// still goes on where it was.

#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/scope_guard.hpp"
#include "awaitable.hpp"
#include "chain.hpp"
#include "frame_pool.hpp"
#include "outside_wait.hpp"
#include "thrown.hpp"

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The coroutine that stands in for the chain: somebody else's code resumes or destroys it. It
/// frees itself.
struct stand_in {
    struct promise_type : from_frame_pool {
        explicit promise_type(outside_event& of) noexcept : of_(of), user_(of) {}
        ~promise_type() { of_.give_up(); } // but for what was settled before
        promise_type(const promise_type&) = delete;
        promise_type& operator=(const promise_type&) = delete;

        stand_in get_return_object() noexcept;
        static std::suspend_always initial_suspend() noexcept { return {}; }
        static std::suspend_never final_suspend() noexcept { return {}; }
        void return_void();
        static void unhandled_exception() noexcept {}

    private:
        outside_event& of_;
        const event_user user_;
    };

    static stand_in make([[maybe_unused]] outside_event& of) { co_return; }

    std::coroutine_handle<promise_type> handle;
};

/// What a stand_in settles: that it was resumed.
class foreign_event final : public outside_event, public from_frame_pool {};

/// Awaits `A` by its own rules.
template <class A>
class foreign_wait {
public:
    foreign_wait(chain& of, A&& awaitable)
        : of_(of), awaiter_(detail::get_awaiter(std::forward<A>(awaitable))) {}
    foreign_wait(const foreign_wait&) = delete;
    foreign_wait& operator=(const foreign_wait&) = delete;
    ~foreign_wait() { forget_event(); }

    bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.rest_at(waiting, &leave, this);
    }

    decltype(auto) await_resume() {
#if defined(__cpp_exceptions)
        if (thrown_ != nullptr) {
            std::rethrow_exception(std::move(thrown_));
        }
#endif
        if (event_ != nullptr && event_->is_lost()) {
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
        if (!is_suspended) {
            wait.forget_event();
        }
        return is_suspended && wait.wait_.leave(waiting, *wait.event_);
    }

    void forget_event() noexcept {
        if (event_ != nullptr) {
            std::exchange(event_, nullptr)->release();
        }
    }

    bool suspend() {
        using answer = decltype(awaiter_.await_suspend(std::coroutine_handle<>()));
        event_ = new foreign_event;
        const auto made = stand_in::make(*event_).handle;
        bool is_given_away = false;
        const scope_guard at_the_end([&] {
            if (!is_given_away) {
                made.destroy();
            }
        });
        if constexpr (std::is_void_v<answer>) {
            awaiter_.await_suspend(std::coroutine_handle<>(made));
        } else if constexpr (std::is_same_v<answer, bool>) {
            if (!awaiter_.await_suspend(std::coroutine_handle<>(made))) {
                return false;
            }
        } else {
            const std::coroutine_handle<> next =
                awaiter_.await_suspend(std::coroutine_handle<>(made));
            is_given_away = true;
            // What that throws is not this coroutine's: it stays suspended, for its handle is out.
            attempt([&] { next.resume(); }, [&] { of_.now().run().failed_with_exception(); });
        }
        is_given_away = true;
        return true;
    }

    chain& of_;
    awaiter_of<A> awaiter_;
    foreign_event* event_ = nullptr; ///< while the stand_in is out, and after that
    outside_wait wait_{outside_wait::frames::shared};
    std::exception_ptr thrown_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
