// SPDX-License-Identifier: MIT
#pragma once

// The system's own limits, for children: they hold for the rest of the process's life.

#include <cstddef>
#include <cstdio>

#include <sys/resource.h>
#include <unistd.h>

namespace faf_test {

/// From now on the process may map `more` bytes besides what it has. Not with a sanitizer, which
/// maps terabytes.
inline bool limit_address_space(std::size_t more) {
    unsigned long pages = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%lu", &pages) != 1) {
            pages = 0;
        }
        std::fclose(file);
    }
    rlimit limit{};
    if (pages == 0 || getrlimit(RLIMIT_AS, &limit) != 0) {
        return false;
    }
    limit.rlim_cur = pages * static_cast<unsigned long>(sysconf(_SC_PAGESIZE)) + more;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

inline bool lift_address_space_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0) {
        return false;
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

/// From now on the process gets no further thread. The limit does not hold for root, who becomes
/// nobody first; false if that can't be done.
inline bool forbid_threads() {
    constexpr unsigned nobody = 65534;
    const rlimit limit{1, 1};
    if (geteuid() == 0 && (setgid(nobody) != 0 || setuid(nobody) != 0)) {
        return false;
    }
    return setrlimit(RLIMIT_NPROC, &limit) == 0;
}

} // namespace faf_test
