// SPDX-License-Identifier: MIT
#pragma once

// What the system's loader does for a host.

#include <string>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/// Whether what a module defines is there for the modules that are loaded next. On Windows it is
/// not.
enum class symbols { apart, shared };

#if defined(_WIN32)

using loaded_module = HMODULE;

inline loaded_module load_module(const std::string& path, symbols) {
    return LoadLibraryA(path.c_str());
}

inline void unload_module(loaded_module one) {
    FreeLibrary(one);
}

inline void* find_in(loaded_module one, const char* name) {
    return reinterpret_cast<void*>(GetProcAddress(one, name));
}

inline bool is_module_loaded(const std::string& path) {
    return GetModuleHandleA(path.c_str()) != nullptr;
}

#else

using loaded_module = void*;

inline loaded_module load_module(const std::string& path, symbols how) {
    return dlopen(path.c_str(), RTLD_NOW | (how == symbols::shared ? RTLD_GLOBAL : RTLD_LOCAL));
}

inline void unload_module(loaded_module one) {
    dlclose(one);
}

inline void* find_in(loaded_module one, const char* name) {
    return dlsym(one, name);
}

inline bool is_module_loaded(const std::string& path) {
    void* const again = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (again != nullptr) {
        dlclose(again);
    }
    return again != nullptr;
}

#endif
