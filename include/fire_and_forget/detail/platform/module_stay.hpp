// SPDX-License-Identifier: MIT
#pragma once

// Keeps the module that the library is part of from being unloaded while code of it may run.
// closing.hpp says when that is.

#include "abi.hpp"
#include "library_threads.hpp"
#include "loaded_module.hpp"
#include "module_guard.hpp"
#include "process.hpp"

#include <cstddef>
#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

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

    /// Whether it can't be unloaded now.
    bool is_kept() noexcept;

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
