// SPDX-License-Identifier: MIT
#pragma once

// Waiting for other threads in tests: the deadline is reached only by a test that fails.

#include <chrono>
#include <thread>

namespace faf_test {

using namespace std::chrono_literals;

/// Far longer than anything takes, even under a sanitizer on a busy machine. Less for mutants,
/// which are to fail.
#if defined(FAF_TEST_PATIENCE)
inline constexpr std::chrono::seconds patience{FAF_TEST_PATIENCE};
#else
inline constexpr auto patience = 60s;
#endif

/// True as soon as `holds()` is; false if it is not within `patience`.
template <class Predicate>
bool eventually(Predicate holds) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(100us);
    }
    return true;
}

} // namespace faf_test
