// SPDX-License-Identifier: MIT
#pragma once

// What a completion of ../../completion.hpp, those who complete it and those who await it share.

#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_memory.hpp"
#include "chain.hpp"
#include "frame_pool.hpp"
#include "outside_wait.hpp"
#include "task_promise.hpp"
#include "thrown.hpp"

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

template <class T>
constexpr bool has_usual_alignment() noexcept {
    if constexpr (std::is_object_v<T>) {
        return alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
    } else {
        return true;
    }
}

/// An event with a result.
template <class T>
class completion_state final
    : public outside_event,
      public std::conditional_t<has_usual_alignment<T>(), from_frame_pool, library_memory> {
public:
    /// False if it has been completed before.
    template <class... Args>
    bool complete(Args&&... args) {
        if (!try_claim()) {
            return false;
        }
        if constexpr (!std::is_void_v<T>) {
            attempt([&] { result_.emplace(std::forward<Args>(args)...); },
                    [&] { result_.fail(std::current_exception()); });
        }
        settle();
        return true;
    }

    bool fail(std::exception_ptr why) {
        if (!try_claim()) {
            return false;
        }
        result_.fail(std::move(why));
        settle();
        return true;
    }

    void add_completer() noexcept {
        completers_.fetch_add(1, std::memory_order_relaxed);
        keep();
    }

    /// A completer is gone. When it was the last, the event is given up.
    void remove_completer() {
        if (completers_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            give_up();
        }
        release();
    }

    /// The completion is gone: only completers can still complete.
    void remove_completion() {
        if (completers_.load(std::memory_order_acquire) == 0) {
            give_up();
        }
        release();
    }

    /// Once it is settled: the result again and again, if it can be copied.
    T copy_or_take() {
        if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
            return result_.take();
        } else if constexpr (std::is_copy_constructible_v<T>) {
            return result_.copy();
        } else {
            return take();
        }
    }

    T take() {
        if constexpr (!std::is_void_v<T> && !std::is_reference_v<T>) {
            if (result_.exception() == nullptr &&
                is_taken_.exchange(true, std::memory_order_relaxed)) {
                throw_misuse("the value of the faf::completion was moved out before");
            }
        }
        return result_.take();
    }

private:
    coroutine_result<T> result_;
    std::atomic<std::uint32_t> completers_{0};
    std::atomic<bool> is_taken_{false};
};

/// Waits for a completion. An rvalue gives its result away.
template <class T, bool Takes>
class completion_wait {
public:
    completion_wait(chain& of, completion_state<T>& state, outside_wait::continuation how) noexcept
        : of_(of), state_(state), user_(state), wait_(outside_wait::frames::own, how) {}
    completion_wait(const completion_wait&) = delete;
    completion_wait& operator=(const completion_wait&) = delete;

    bool await_ready() const noexcept { return state_.is_settled(); }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        of_.rest_at(
            waiting,
            [](chain& leaving, void* self) {
                auto& wait = *static_cast<completion_wait*>(self);
                if (leaving.ends_waits_on_stop()) {
                    wait.wait_.end_on_stop_of(leaving, wait.state_);
                }
                return wait.wait_.leave(leaving, wait.state_);
            },
            this);
    }

    T await_resume() {
        if (wait_.has_rival()) {
            throw_misuse("another coroutine waits for the faf::completion already");
        }
        if (wait_.has_been_stopped() || wait_.is_refused() || state_.is_lost()) {
            throw_cancelled();
        }
        if constexpr (Takes) {
            return state_.take();
        } else {
            return state_.copy_or_take();
        }
    }

private:
    chain& of_;
    completion_state<T>& state_;
    const event_user user_;
    outside_wait wait_;
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
