// SPDX-License-Identifier: MIT
#pragma once

// Which objects of a program share one library: those whose types are laid out alike and whose inline
// functions do the same. Every header of the library opens its namespace with what is named here.

#include <version>

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

// One letter for each thing that a compiler or its flags decide. The language version is not among
// them: nothing here depends on it.

#if defined(__cpp_lib_source_location)
#define FIRE_AND_FORGET_ABI_SITE s
#else
#define FIRE_AND_FORGET_ABI_SITE b // call_site is built by hand: clang 14 with libstdc++
#endif

#if defined(__cpp_lib_jthread)
#define FIRE_AND_FORGET_ABI_STOP j
#else
#define FIRE_AND_FORGET_ABI_STOP n // nothing can be asked to stop: libc++ keeps it back
#endif

#if defined(__cpp_exceptions)
#define FIRE_AND_FORGET_ABI_EXCEPTIONS e
#else
#define FIRE_AND_FORGET_ABI_EXCEPTIONS n // attempt() catches nothing
#endif

#if defined(FIRE_AND_FORGET_HAS_TSAN)
#define FIRE_AND_FORGET_ABI_SANITIZER t // barriers are read-modify-writes
#elif defined(FIRE_AND_FORGET_HAS_ASAN)
#define FIRE_AND_FORGET_ABI_SANITIZER a // frames are not recycled
#else
#define FIRE_AND_FORGET_ABI_SANITIZER n
#endif

#if defined(FIRE_AND_FORGET_STRESS)
#define FIRE_AND_FORGET_ABI_TEST s // blocks have two slots
#else
#define FIRE_AND_FORGET_ABI_TEST n
#endif

#define FIRE_AND_FORGET_JOIN(a, b, c, d, e) v0_1_##a##b##c##d##e
#define FIRE_AND_FORGET_JOIN_EXPANDED(a, b, c, d, e) FIRE_AND_FORGET_JOIN(a, b, c, d, e)

/// The inline namespace that all of faf is in: `v0_1_sjenn` with GCC and libstdc++. Objects for which
/// it differs may be linked into one program; each kind then has a default pool and a global sink of
/// its own.
#define FIRE_AND_FORGET_ABI                                                                        \
    FIRE_AND_FORGET_JOIN_EXPANDED(FIRE_AND_FORGET_ABI_SITE, FIRE_AND_FORGET_ABI_STOP,              \
                                  FIRE_AND_FORGET_ABI_EXCEPTIONS, FIRE_AND_FORGET_ABI_SANITIZER,   \
                                  FIRE_AND_FORGET_ABI_TEST)
