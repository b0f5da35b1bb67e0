// SPDX-License-Identifier: MIT
#pragma once

// How much a stress test does, and the random numbers it does it with.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace faf_test {

#if defined(__has_feature)
#define FAF_TEST_HAS_FEATURE(feature) __has_feature(feature)
#else
#define FAF_TEST_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || FAF_TEST_HAS_FEATURE(thread_sanitizer)
inline constexpr bool has_thread_sanitizer = true;
#else
inline constexpr bool has_thread_sanitizer = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || FAF_TEST_HAS_FEATURE(address_sanitizer)
inline constexpr bool has_address_sanitizer = true;
#else
inline constexpr bool has_address_sanitizer = false;
#endif

#undef FAF_TEST_HAS_FEATURE

inline constexpr bool is_sanitized = has_thread_sanitizer || has_address_sanitizer;

/// `full`, or `reduced` where a sanitizer makes everything slow.
template <class Number>
constexpr Number load(Number full, Number reduced) noexcept {
    return is_sanitized ? reduced : full;
}

/// A fresh seed, or the one in FAF_TEST_SEED; printed, so that a failure can be run again.
inline unsigned new_seed() {
    const char* given = std::getenv("FAF_TEST_SEED");
    const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                           : std::random_device{}();
    std::printf("seed %u\n", seed);
    std::fflush(stdout);
    return seed;
}

} // namespace faf_test
