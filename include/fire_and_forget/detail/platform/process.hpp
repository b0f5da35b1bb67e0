// SPDX-License-Identifier: MIT
#pragma once

// What a process has one of, and what becomes of it in a child that it forks. All that is global in
// the library stands here or comes from here.

#include "abi.hpp"
#include "early_mutex.hpp"
#include "platform.hpp"
#include "reentry.hpp"
#include "signals.hpp"
#include "thread_state.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

class pool_door;

/// A global that is there before any code runs, and that no static destructor ends.
template <class T>
union immortal {
    T value;
    constexpr immortal() noexcept : value() {}
    // Not defaulted, which would be deleted. NOLINTNEXTLINE(modernize-use-equals-default)
    constexpr ~immortal() {}
};

/// How many forks lie between the first process of the program and this one. What was made in
/// another process than this is known by the number it had then.
inline constinit std::atomic<std::uint32_t> process_generation{0};

std::uint32_t generation_here() noexcept;

/// The default pool of this process, null until it is made. Spares its users a call.
inline constinit std::atomic<pool_door*> default_pool_at_hand{nullptr};

/// Guards what is set for the whole program and goes on in its children: the global sink, the
/// options of the default pool. No user code runs while it is held.
inline constinit immortal<early_mutex> settings_mutex;

/// Sees to it that a child finds the library usable, whatever other threads did when it was forked.
///
/// A child has one thread, and its memory is as all others have left it: locks are held for ever,
/// lists are half linked. So nothing of the parent's is used there but what the settings' lock
/// guards, which fork takes. Executors of the parent refuse, and lie where they are: who came from
/// there may have a pointer to them. All others are made anew at their first use, see
/// one_per_process. And the thread that forked starts again with no lanes.
///
/// vfork, posix_spawn and what follows an exec have no part in this. What a DLL still does when
/// Windows has ended all other threads has: that thread is as alone as a child, and can start none.
class fork_care {
public:
    /// From now on forks are noticed. To be called before anything is made that a child must not
    /// use.
    static void begin() noexcept;

    /// Notices that the system has ended all other threads.
    static void look_for_end() noexcept;

private:
    static inline constinit std::atomic<bool> is_over{false};

    /// The process that is at it, or that it is done.
    static inline constinit std::atomic<long> state{0};

    static void before() noexcept;
    static void after_in_parent() noexcept;
    static void after_in_child() noexcept;
};

/// Holds the settings' lock. A thread that forks has it already, and may run handlers of users.
class settings_lock {
public:
    settings_lock() noexcept;
    ~settings_lock();
    settings_lock(const settings_lock&) = delete;
    settings_lock& operator=(const settings_lock&) = delete;

private:
    const inside_library inside_;
    const bool is_mine_;
};

/// Has `Step` called when the program ends, or the module that this is part of is unloaded. False
/// without memory. The lock keeps forks away: the C library guards its list of such steps by a lock
/// that it does not renew in a child, which would wait for it for ever (glibc 2.36).
template <void (*Step)()>
bool call_at_exit() noexcept {
    const settings_lock no_fork_meanwhile;
    return add_exit_step<Step>();
}

/// A global under the settings' lock, which goes on in children. Made at its first use, never
/// destroyed. For what has no constant initialization: a function's static needs a guard, and a
/// child that is forked in the middle of its initialization would wait for the end of it.
template <class T>
class program_setting {
public:
    T& get(const settings_lock&) noexcept {
        if (!std::exchange(is_made_, true)) {
            ::new (static_cast<void*>(place_)) T;
        }
        return *std::launder(static_cast<T*>(static_cast<void*>(place_)));
    }

private:
    alignas(T) std::byte place_[sizeof(T)]{};
    bool is_made_ = false;
};

/// An object that each process has one of: made at its first use there, never destroyed. To be a
/// global with constant initialization, as a program_setting.
///
/// A child makes its own in another place: its parent's stays as it was. Without memory for it, it
/// takes the same place.
template <class T>
class one_per_process {
public:
    constexpr one_per_process() noexcept = default;
    one_per_process(const one_per_process&) = delete;
    one_per_process& operator=(const one_per_process&) = delete;

    T& get() noexcept {
        if (state_.load(std::memory_order_acquire) != made_by(generation_here())) [[unlikely]] {
            make();
        }
        return *here_;
    }

    /// Null if this process has none yet.
    T* find() noexcept {
        return state_.load(std::memory_order_acquire) == made_by(generation_here()) ? here_
                                                                                    : nullptr;
    }

private:
    // States grow: never made, being made in the first process, made there, being
    // made in a child...
    static constexpr std::uint32_t being_made_by(std::uint32_t generation) noexcept {
        return 2 * generation + 1;
    }
    static constexpr std::uint32_t made_by(std::uint32_t generation) noexcept {
        return 2 * generation + 2;
    }

    [[gnu::cold, gnu::noinline]] void make() noexcept {
        fork_care::begin();
        const std::uint32_t me = generation_here();
        std::uint32_t seen = state_.load(std::memory_order_acquire);
        while (seen != made_by(me)) {
            if (seen == being_made_by(me)) {
                std::this_thread::yield();
                seen = state_.load(std::memory_order_acquire);
                continue;
            }
            const signals_blocked until_made; // a handler might wait for what it has interrupted
            if (state_.compare_exchange_weak(seen, being_made_by(me), std::memory_order_acquire)) {
                here_ = ::new (here_ == nullptr ? first_place_ : another_place()) T;
                state_.store(made_by(me), std::memory_order_release);
                return;
            }
        }
    }

    void* another_place() noexcept {
        void* const fresh =
            ::operator new(sizeof(T), static_cast<std::align_val_t>(alignof(T)), std::nothrow);
        return fresh != nullptr ? fresh : first_place_;
    }

    alignas(T) std::byte first_place_[sizeof(T)]{};
    T* here_ = nullptr;
    std::atomic<std::uint32_t> state_{0};
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
