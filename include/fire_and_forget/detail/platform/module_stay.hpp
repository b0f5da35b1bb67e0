// SPDX-License-Identifier: MIT
#pragma once

// Keeps the module that the library is part of from being unloaded while code of it may run.
// closing.hpp says when that is.

#include "abi.hpp"
#include "library_threads.hpp"
#include "loaded_module.hpp"
#include "process.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The module that the library's variables are in, which this is one of: by the loader's name,
/// empty for the program, null before its guard.
inline constinit std::atomic<const char*> module_of_library{nullptr};

/// False for the program itself, and for what no guard knows of.
bool is_in_loaded_module() noexcept;

/// Finds that out, once for each module, before it can be used.
///
/// A module whose calls end up with the variables of another one is never unloaded: threads may be
/// anywhere in its code. That happens where the linker is told to have one of each in the program:
/// by GCC's unique symbols, by RTLD_GLOBAL, or where the program itself exports them.
class module_guard {
public:
    module_guard() noexcept;
};

#if defined(__GNUC__)
[[gnu::visibility("hidden")]]
#endif
inline const module_guard guard_of_this_module;

/// Keeps the module loaded from when an executor is first used until the last one that was has been
/// shut down and its threads are gone. Without a shutdown the module stays for good.
///
/// Limits  The loader's lock is needed to begin and to end, so both are done by threads of the
///         program, and no lock of the library is held meanwhile: a constructor that the loader
///         runs may wait for its tasks.
class module_stay {
public:
    static module_stay& instance() noexcept { return of_process.get(); }

    module_stay() noexcept = default;
    module_stay(const module_stay&) = delete;
    module_stay& operator=(const module_stay&) = delete;

    void begin() noexcept;

    /// By a thread that is not in the module for good: whoever has called it keeps it loaded.
    void end() noexcept;

    /// From now on it stays as it is: when the program ends, destructors of static objects may call
    /// end(), and nobody else has it loaded.
    void note_exit() noexcept;

private:
    static one_per_process<module_stay> of_process;

    void expect_exit() noexcept;
    static void note_exit_here() { instance().note_exit(); }

    std::mutex mutex_;
    std::size_t users_ = 0;
    void* handle_ = nullptr;
    bool is_over_ = false;
    end_of_main main_;
    unsigned notes_ = 0;
};

inline constinit one_per_process<module_stay> module_stay::of_process;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
