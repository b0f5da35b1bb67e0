// SPDX-License-Identifier: MIT
#pragma once

// How long to wait before the next try: for a connection, for a command that Redis does not take,
// for a task that has failed.

#include <algorithm>
#include <chrono>
#include <random>

namespace durable {

using std::chrono::milliseconds;

/// Delays that double from `first` to `most`.
struct delays {
    milliseconds first{50};
    milliseconds most{30'000};

    /// The delay after so many failures in a row. Up to half of it is left out by chance, so that
    /// those who were cut off together don't come back together.
    milliseconds after(unsigned failures) const {
        milliseconds whole = first;
        for (unsigned i = 1; i < failures && whole < most; ++i) {
            whole *= 2;
        }
        whole = std::min(whole, most);
        thread_local std::minstd_rand chance{std::random_device{}()};
        auto half = std::uniform_int_distribution<milliseconds::rep>(0, whole.count() / 2);
        return std::max(whole - milliseconds(half(chance)), milliseconds(1));
    }
};

} // namespace durable
