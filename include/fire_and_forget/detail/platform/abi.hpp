// SPDX-License-Identifier: MIT
#pragma once

// What the library asks of its compiler, and which objects of a program share one library: those
// whose types are laid out alike and whose inline functions do the same. Every header comes here
// first, and opens its namespace with what is named here.

#include "../../version.hpp"

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) <= 201703L
#error "fire_and_forget needs C++20: compile with -std=c++20."
#include "fire_and_forget stops here" // or hundreds of errors would follow
#endif

#if !defined(__cpp_threadsafe_static_init)
#error "fire_and_forget starts threads: compile without -fno-threadsafe-statics."
#endif

#include <version>

#if (defined(__GLIBCXX__) && !defined(_GLIBCXX_HAS_GTHREADS)) || defined(_LIBCPP_HAS_NO_THREADS)
#error "fire_and_forget needs std::thread, which is missing: with MinGW take its posix threads."
#include "fire_and_forget stops here"
#endif

#if defined(__SANITIZE_THREAD__)
#define FIRE_AND_FORGET_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIRE_AND_FORGET_HAS_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FIRE_AND_FORGET_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIRE_AND_FORGET_HAS_ASAN 1
#endif
#endif

// One digit, which no macro of a user's can be, for each thing that a compiler or its flags decide.
// The language version is not among them: nothing here depends on it. Neither do sizes of enums,
// for all have their type, nor RTTI.

#if defined(_LIBCPP_VERSION)
#define FIRE_AND_FORGET_ABI_LIBRARY 5
#elif defined(__GLIBCXX__) && defined(_GLIBCXX_DEBUG)
#define FIRE_AND_FORGET_ABI_LIBRARY 2 // std::vector is another one
#elif defined(__GLIBCXX__) && !_GLIBCXX_USE_CXX11_ABI
#define FIRE_AND_FORGET_ABI_LIBRARY 3 // std::string is another one
#elif defined(__GLIBCXX__)
#define FIRE_AND_FORGET_ABI_LIBRARY 1
#else
#define FIRE_AND_FORGET_ABI_LIBRARY 9
#endif

// clang 14 with libstdc++ has none, and by that of clang 15 every call stands in this library.
#if defined(__cpp_lib_source_location) && !(defined(__clang__) && __clang_major__ < 16)
#define FIRE_AND_FORGET_ABI_SITE 1
#else
#define FIRE_AND_FORGET_ABI_SITE 0 // call_site is built by hand
#endif

#if defined(__cpp_lib_jthread)
#define FIRE_AND_FORGET_ABI_STOP 1
#else
#define FIRE_AND_FORGET_ABI_STOP 0 // own_stop_token.hpp, where libc++ keeps it back
#endif

#if defined(__cpp_exceptions)
#define FIRE_AND_FORGET_ABI_EXCEPTIONS 1
#else
#define FIRE_AND_FORGET_ABI_EXCEPTIONS 0 // attempt() catches nothing
#endif

#if defined(FIRE_AND_FORGET_HAS_TSAN)
#define FIRE_AND_FORGET_ABI_SANITIZER 1 // barriers are read-modify-writes
#elif defined(FIRE_AND_FORGET_HAS_ASAN)
#define FIRE_AND_FORGET_ABI_SANITIZER 2 // frames are not recycled
#else
#define FIRE_AND_FORGET_ABI_SANITIZER 0
#endif

#if defined(FIRE_AND_FORGET_STRESS)
#define FIRE_AND_FORGET_ABI_TEST 1 // blocks have two slots
#else
#define FIRE_AND_FORGET_ABI_TEST 0
#endif

#define FIRE_AND_FORGET_JOIN(v1, v2, v3, d1, d2, d3, d4, d5, d6)                                   \
    v##v1##_##v2##_##v3##_##d1##d2##d3##d4##d5##d6
#define FIRE_AND_FORGET_JOIN_EXPANDED(v1, v2, v3, d1, d2, d3, d4, d5, d6)                          \
    FIRE_AND_FORGET_JOIN(v1, v2, v3, d1, d2, d3, d4, d5, d6)

/// The inline namespace that all of faf is in: `v0_2_0_111100` with GCC and libstdc++. Objects for
/// which it differs may be linked into one program; each kind then has a default pool and a global
/// sink of its own.
#define FIRE_AND_FORGET_ABI                                                                        \
    FIRE_AND_FORGET_JOIN_EXPANDED(FIRE_AND_FORGET_VERSION_MAJOR, FIRE_AND_FORGET_VERSION_MINOR,    \
                                  FIRE_AND_FORGET_VERSION_PATCH, FIRE_AND_FORGET_ABI_LIBRARY,      \
                                  FIRE_AND_FORGET_ABI_SITE, FIRE_AND_FORGET_ABI_STOP,              \
                                  FIRE_AND_FORGET_ABI_EXCEPTIONS, FIRE_AND_FORGET_ABI_SANITIZER,   \
                                  FIRE_AND_FORGET_ABI_TEST)

/// Begins each definition of the engine's, which is all that is not needed where a task is fired.
/// By default every source file has the engine; with FIRE_AND_FORGET_SEPARATE_COMPILATION it is
/// compiled once, where src.hpp is included. The symbols are the same, so both may be linked into
/// one program: what the engine keeps therefore never stands in a function's static, of which a
/// function that was inlined would have another one.
#if defined(FIRE_AND_FORGET_SEPARATE_COMPILATION)
#define FIRE_AND_FORGET_ENGINE
#else
#define FIRE_AND_FORGET_ENGINE inline
#endif
