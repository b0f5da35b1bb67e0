// SPDX-License-Identifier: MIT
#pragma once

// The shared object that a copy of the library is part of, if it is one that may be unloaded: what the
// system offers to keep it. module_stay.hpp says when.

#include "abi.hpp"
#include "platform.hpp"
#include "signals.hpp"

#if defined(__GLIBC__) && __has_include(<link.h>)
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

// Weak, for it is not there before glibc 2.34 without -ldl.
extern "C" {
static decltype(::dlsym) dlsym_if_any __attribute__((weakref("dlsym")));
}

/// A function of the loader; null in a program that is linked statically, which has no modules.
template <class Function>
Function* of_loader(const char* name) noexcept {
    return &dlsym_if_any != nullptr ? reinterpret_cast<Function*>(dlsym_if_any(RTLD_DEFAULT, name))
                                    : nullptr;
}

/// The name by which the loader knows the module that `address` is in, as long as it is loaded.
/// Empty for the program itself.
///
/// Not to be called but while the module is loaded: a child that is forked meanwhile can't call it.
inline const char* module_with(const void* address) noexcept {
    struct search {
        std::uintptr_t address;
        const char* name = "";
    };
    search wanted{reinterpret_cast<std::uintptr_t>(address)};
    constexpr auto look_at = [](dl_phdr_info* one, std::size_t, void* looking) noexcept {
        auto& its = *static_cast<search*>(looking);
        for (int i = 0; i < one->dlpi_phnum; ++i) {
            const auto& part = one->dlpi_phdr[i];
            const std::uintptr_t start = one->dlpi_addr + part.p_vaddr;
            if (part.p_type == PT_LOAD && its.address >= start &&
                its.address - start < part.p_memsz) {
                its.name = one->dlpi_name;
                return 1;
            }
        }
        return 0;
    };
    ::dl_iterate_phdr(look_at, &wanted);
    return wanted.name;
}

inline void* open_module(const char* name, int how) noexcept {
    auto* const dlopen_if_any = of_loader<decltype(::dlopen)>("dlopen");
    return dlopen_if_any != nullptr ? dlopen_if_any(name, how | RTLD_NOW | RTLD_NOLOAD) : nullptr;
}

/// Null if it can't be kept.
inline void* keep_loaded(const char* name) noexcept {
    return open_module(name, 0);
}
inline void keep_loaded_for_good(const char* name) noexcept {
    static_cast<void>(open_module(name, RTLD_NODELETE));
}
inline void let_go_of_module(void* kept) noexcept {
    of_loader<decltype(::dlclose)>("dlclose")(kept);
}

/// Whether the main thread is about to end, by exit() as a rule: the destructors of its thread_locals
/// come before those of all static objects. This one is a function of the system on memory that stays,
/// for the module may be gone by then, and must not be kept for it.
class end_of_main {
public:
    /// Does nothing on another thread.
    void watch() noexcept {
        if (!is_main_thread() || mark_.load(std::memory_order_relaxed) != nullptr) {
            return;
        }
        auto* const at_thread_exit =
            of_loader<int(void (*)(void*), void*, void*)>("__cxa_thread_atexit_impl");
        auto* const post = of_loader<void(void*)>("sem_post");
        auto* const mark = new (std::nothrow) sem_t;
        if (at_thread_exit != nullptr && post != nullptr && mark != nullptr &&
            ::sem_init(mark, 0, 0) == 0 &&
            at_thread_exit(post, mark, reinterpret_cast<void*>(post)) == 0) {
            mark_.store(mark, std::memory_order_release);
        } else {
            delete mark;
        }
    }

    bool has_begun() const noexcept {
        sem_t* const mark = mark_.load(std::memory_order_acquire);
        int posts = 0;
        return mark != nullptr && ::sem_getvalue(mark, &posts) == 0 && posts > 0;
    }

private:
    std::atomic<sem_t*> mark_{nullptr};
};

#else

/// Elsewhere nothing is known of modules.
inline const char* module_with(const void*) noexcept {
    return "";
}
inline void* keep_loaded(const char*) noexcept {
    return nullptr;
}
inline void keep_loaded_for_good(const char*) noexcept {}
inline void let_go_of_module(void*) noexcept {}
class end_of_main {
public:
    static void watch() noexcept {}
    static bool has_begun() noexcept { return false; }
};

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
