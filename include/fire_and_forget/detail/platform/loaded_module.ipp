// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "loaded_module.hpp"
#include "platform.hpp"
#include "signals.hpp"

#if defined(FIRE_AND_FORGET_HAS_MODULES)
#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <link.h>
#include <new>
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

[[gnu::cold]] FIRE_AND_FORGET_ENGINE const char* module_with(const void* address) noexcept {
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

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void* open_module(const char* name, int how) noexcept {
    auto* const dlopen_if_any = of_loader<decltype(::dlopen)>("dlopen");
    return dlopen_if_any != nullptr ? dlopen_if_any(name, how | RTLD_NOW | RTLD_NOLOAD) : nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void* keep_loaded(const char* name) noexcept {
    return open_module(name, 0);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void keep_loaded_for_good(const char* name) noexcept {
    static_cast<void>(open_module(name, RTLD_NODELETE));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void let_go_of_module(void* kept) noexcept {
    of_loader<decltype(::dlclose)>("dlclose")(kept);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void end_of_main::watch() noexcept {
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

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool end_of_main::has_begun() const noexcept {
    sem_t* const mark = mark_.load(std::memory_order_acquire);
    int posts = 0;
    return mark != nullptr && ::sem_getvalue(mark, &posts) == 0 && posts > 0;
}

#elif defined(_WIN32)

[[gnu::cold]] FIRE_AND_FORGET_ENGINE const char* module_with(const void* address) noexcept {
    constexpr unsigned long uncounted_by_address = 2 | 4;
    HINSTANCE__* found = nullptr;
    const bool is_known =
        ::GetModuleHandleExA(uncounted_by_address, static_cast<const char*>(address), &found) != 0;
    return is_known && found != ::GetModuleHandleA(nullptr) ? reinterpret_cast<const char*>(found)
                                                            : "";
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void* keep_loaded(const char* name) noexcept {
    constexpr unsigned long by_address = 4;
    HINSTANCE__* kept = nullptr;
    return ::GetModuleHandleExA(by_address, name, &kept) != 0 ? kept : nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void keep_loaded_for_good(const char* name) noexcept {
    constexpr unsigned long pinned_by_address = 1 | 4;
    HINSTANCE__* kept = nullptr;
    static_cast<void>(::GetModuleHandleExA(pinned_by_address, name, &kept));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void let_go_of_module(void* kept) noexcept {
    ::FreeLibrary(static_cast<HINSTANCE__*>(kept));
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void end_of_other_threads::watch() noexcept {
    question.store(reinterpret_cast<function_of_system>(reinterpret_cast<void*>(::GetProcAddress(
                       ::GetModuleHandleA("ntdll.dll"), "RtlDllShutdownInProgress"))),
                   std::memory_order_relaxed);
}

#else

[[gnu::cold]] FIRE_AND_FORGET_ENGINE const char* module_with(const void*) noexcept {
    return "";
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void* keep_loaded(const char*) noexcept {
    return nullptr;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void keep_loaded_for_good(const char*) noexcept {}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void let_go_of_module(void*) noexcept {}

#endif

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
