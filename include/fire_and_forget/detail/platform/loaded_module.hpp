// SPDX-License-Identifier: MIT
#pragma once

// The shared object that a copy of the library is part of, if it is one that may be unloaded: what
// the system offers to keep it. module_stay.hpp says when.

#include "abi.hpp"
#include "platform.hpp"
#include "windows.hpp"

#include <atomic>

#if defined(__linux__) && defined(__GLIBC__) && __has_include(<link.h>)
#include <semaphore.h>
#define FIRE_AND_FORGET_HAS_MODULES 1
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// The name by which the loader knows the module that `address` is in, as long as it is loaded;
/// Windows knows it by where it begins. Empty for the program itself, and where nothing is known of
/// modules.
///
/// Not to be called but while the module is loaded: a child that is forked meanwhile can't call it.
const char* module_with(const void* address) noexcept;

/// Null if it can't be kept.
void* keep_loaded(const char* name) noexcept;
void keep_loaded_for_good(const char* name) noexcept;
void let_go_of_module(void* kept) noexcept;

#if defined(FIRE_AND_FORGET_HAS_MODULES)

void* open_module(const char* name, int how) noexcept;

/// Whether the main thread is about to end, by exit() as a rule: the destructors of its
/// thread_locals come before those of all static objects. This one is a function of the system on
/// memory that stays, for the module may be gone by then, and must not be kept for it.
class end_of_main {
public:
    /// Does nothing on another thread.
    void watch() noexcept;

    bool has_begun() const noexcept;

private:
    std::atomic<sem_t*> mark_{nullptr};
};

#else

class end_of_main {
public:
    static void watch() noexcept {}
    static bool has_begun() noexcept { return false; }
};

#endif

/// Whether the system has ended all threads but this one. Windows does before a DLL hears of the
/// end of the program, whatever they were at: what they have locked stays locked.
class end_of_other_threads {
public:
#if defined(_WIN32)
    /// To be called before any executor is used.
    static void watch() noexcept;

    static bool has_come() noexcept {
        const auto ask = question.load(std::memory_order_relaxed);
        return ask != nullptr && ask() != 0;
    }

private:
    using function_of_system = unsigned char(__stdcall*)();

    static inline constinit std::atomic<function_of_system> question{nullptr};
#else
    static void watch() noexcept {}
    static constexpr bool has_come() noexcept {
        return false;
    }
#endif
};

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
