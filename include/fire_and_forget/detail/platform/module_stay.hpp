// SPDX-License-Identifier: MIT
#pragma once

// Keeps the module that the library is part of from being unloaded while code of it may run.
// executor_core.hpp says when that is.

#include "abi.hpp"
#include "library_threads.hpp"
#include "loaded_module.hpp"
#include "process.hpp"
#include "reentry.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The module that the library's variables are in, which this is one of: by the loader's name, empty
/// for the program, null before its guard.
inline constinit std::atomic<const char*> module_of_library{nullptr};

/// False for the program itself, and for what no guard knows of.
inline bool is_in_loaded_module() noexcept {
    const char* const name = module_of_library.load(std::memory_order_relaxed);
    return name != nullptr && *name != '\0';
}

/// Finds that out, once for each module, before it can be used.
///
/// A module whose calls end up with the variables of another one is never unloaded: threads may be
/// anywhere in its code. That happens where the linker is told to have one of each in the program:
/// by GCC's unique symbols, by RTLD_GLOBAL, or where the program itself exports them.
class module_guard {
public:
    module_guard() noexcept {
        const char* const own = module_with(this);
        if (own == module_with(&module_of_library)) {
            module_of_library.store(own, std::memory_order_relaxed);
        } else if (*own != '\0') {
            keep_loaded_for_good(own);
        }
    }
};

#if defined(__GNUC__)
[[gnu::visibility("hidden")]]
#endif
inline const module_guard guard_of_this_module;

/// Keeps the module loaded from when an executor is first used until the last one that was has been
/// shut down and its threads are gone. Without a shutdown the module stays for good.
///
/// Limits  The loader's lock is needed to begin and to end, so both are done by threads of the
///         program, and no lock of the library is held meanwhile: a constructor that the loader runs
///         may wait for its tasks.
class module_stay {
public:
    static module_stay& instance() noexcept {
        static constinit one_per_process<module_stay> one;
        return one.get();
    }

    module_stay() noexcept = default;
    module_stay(const module_stay&) = delete;
    module_stay& operator=(const module_stay&) = delete;

    void begin() noexcept {
        {
            const library_lock lock(mutex_);
            if (users_++ > 0) {
                return; // it stays, or a thread is on the way to see to it that stands in its code
            }
        }
        if (!is_in_loaded_module()) {
            return;
        }
        void* again = keep_loaded(module_of_library.load(std::memory_order_relaxed));
        if (again == nullptr) {
            return;
        }
        expect_exit();
        main_.watch();
        {
            const library_lock lock(mutex_);
            if (users_ > 0 && handle_ == nullptr) {
                handle_ = std::exchange(again, nullptr);
            }
        }
        if (again != nullptr) {
            let_go_of_module(again);
        }
    }

    /// By a thread that is not in the module for good: whoever has called it keeps it loaded.
    void end() noexcept {
        void* last = nullptr;
        {
            const library_lock lock(mutex_);
            if (--users_ == 0 && !is_over_ && !main_.has_begun() &&
                !library_threads::instance().has_any()) {
                last = std::exchange(handle_, nullptr);
            }
        }
        if (last != nullptr) {
            let_go_of_module(last);
        }
    }

    /// From now on it stays as it is: when the program ends, destructors of static objects may call
    /// end(), and nobody else has it loaded.
    void note_exit() noexcept {
        const library_lock lock(mutex_);
        is_over_ = true;
    }

private:
    void expect_exit() noexcept;
    static void note_exit_here() { instance().note_exit(); }

    std::mutex mutex_;
    std::size_t users_ = 0;
    void* handle_ = nullptr;
    bool is_over_ = false;
    end_of_main main_;
    unsigned notes_ = 0;
};

inline void module_stay::expect_exit() noexcept {
    constexpr unsigned enough = 32;
    {
        const library_lock lock(mutex_);
        if (notes_ == enough) {
            return;
        }
        ++notes_;
    }
    static_cast<void>(call_at_exit<&note_exit_here>());
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
