// SPDX-License-Identifier: MIT
#pragma once

// The shared object that a copy of the library is part of, if it is one that may be unloaded: what
// the system offers to keep it. module_stay.hpp says when.

#include "abi.hpp"
#include "platform.hpp"

#if defined(__linux__) && defined(__GLIBC__) && __has_include(<link.h>)
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <link.h>
#include <new>
#include <semaphore.h>
#define FIRE_AND_FORGET_HAS_MODULES 1
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(FIRE_AND_FORGET_HAS_MODULES)

/// The name by which the loader knows the module that `address` is in, as long as it is loaded.
/// Empty for the program itself.
///
/// Not to be called but while the module is loaded: a child that is forked meanwhile can't call it.
const char* module_with(const void* address) noexcept;

void* open_module(const char* name, int how) noexcept;

/// Null if it can't be kept.
void* keep_loaded(const char* name) noexcept;
void keep_loaded_for_good(const char* name) noexcept;
void let_go_of_module(void* kept) noexcept;

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

/// Elsewhere nothing is known of modules.
const char* module_with(const void*) noexcept;
void* keep_loaded(const char*) noexcept;
inline void keep_loaded_for_good(const char*) noexcept {}
inline void let_go_of_module(void*) noexcept {}
class end_of_main {
public:
    static void watch() noexcept {}
    static bool has_begun() noexcept { return false; }
};

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
