// SPDX-License-Identifier: MIT
#pragma once

// What is to be done when a thread ends that has used the library.

#include "abi.hpp"
#include "signals.hpp"
#include "thread_state.hpp"
#include "windows.hpp"

#include <atomic>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(_WIN32)

/// A pointer of each thread's that Windows keeps, and hands to a function when the thread ends.
class kept_until_thread_end {
public:
    using listener = void(__stdcall*)(void* kept);

    explicit kept_until_thread_end(listener hear) noexcept : index_(::FlsAlloc(hear)) {}

    /// At the end of the program, or when the code goes that is to hear: what threads have kept
    /// stays with them. FlsFree calls the listener for each of them, on this thread.
    ~kept_until_thread_end() {
        is_over_ = true;
        ::FlsFree(index_);
    }
    kept_until_thread_end(const kept_until_thread_end&) = delete;
    kept_until_thread_end& operator=(const kept_until_thread_end&) = delete;

    void* kept() const noexcept { return is_over_ ? nullptr : ::FlsGetValue(index_); }
    bool keep(void* what) const noexcept { return !is_over_ && ::FlsSetValue(index_, what) != 0; }

    static bool is_over() noexcept { return is_over_; }

private:
    static inline constinit std::atomic<bool> is_over_{false};

    const unsigned long index_;
};

#endif

/// Has the calling thread call `Step` when it ends. False if that is not possible.
///
/// A destructor of a thread_local would do. But the loader keeps a module from being unloaded as
/// long as a thread has one of it, and takes its lock to note that, which is held while
/// constructors of modules run, and these may wait for tasks. So it is for other threads of the
/// program only: those of the library take their steps themselves, and what main holds stays with
/// it until the end.
///
/// On Windows it would not do either: GCC's thread_locals are gone there, this_thread among them,
/// by the time that destructors of thread_locals run. So the one member that `Step` needs is kept
/// elsewhere, and put back before it; of program threads nothing else is called.
template <void (*Step)() noexcept, lane_table* thread_state::*Needed = nullptr>
bool call_at_thread_end() noexcept {
#if defined(__linux__)
    if (!std::exchange(this_thread.knows_its_kind, true)) {
        this_thread.takes_last_steps = is_main_thread();
    }
#endif
    if (this_thread.takes_last_steps) {
        for (auto& place : this_thread.last_steps) {
            if (place == nullptr || place == Step) {
                place = Step;
                return true;
            }
        }
    }
#if defined(_WIN32)
    if constexpr (Needed == nullptr) {
        return false;
    } else {
        struct listener {
            static void __stdcall hear(void* kept) {
                if (!kept_until_thread_end::is_over()) {
                    this_thread.*Needed = static_cast<lane_table*>(kept);
                    Step();
                }
            }
        };
        static const kept_until_thread_end slot(&listener::hear);
        auto* const needed = this_thread.*Needed;
        if (void* const before = slot.kept()) { // this_thread is gone, and is another one by now
            listener::hear(before);
            this_thread.*Needed = needed;
        }
        return slot.keep(needed);
    }
#else
    struct last_step {
        ~last_step() { Step(); }
    };
    static thread_local const last_step at_the_end;
    static_cast<void>(at_the_end);
    return true;
#endif
}

/// For a thread of the library.
void begin_thread() noexcept;

/// What still comes, from destructors of thread_locals, does without what was given back.
void take_last_steps() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
