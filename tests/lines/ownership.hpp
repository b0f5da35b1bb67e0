// SPDX-License-Identifier: MIT
#pragma once

// Which core has which cache line, as a protocol such as MESI has it: one copy that may be written,
// or several that can only be read. Fed with the accesses of code that the compiler has prepared as
// for ThreadSanitizer; one thread plays all cores in turn, so the counts are always the same.

#include <cstddef>

namespace faf_lines {

/// Of other cores' lines: read though another has changed them; written though others have them.
struct counts {
    std::size_t fetched = 0;
    std::size_t taken_away = 0;
};

inline constexpr int nobody = -1;

/// Whose accesses follow; nobody's are not followed.
void play(int core);

/// Those on the caller's stack and between these are its core's own.
void leave_out(const void* begin, std::size_t size);

/// Since the last call.
counts take_counts();

} // namespace faf_lines
