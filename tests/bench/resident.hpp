// SPDX-License-Identifier: MIT
#pragma once

// What the process takes of the machine, as the system counts it.

#include <cstddef>
#include <fstream>
#include <string>

#include <unistd.h>

namespace faf_bench {

inline double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    long size = 0;
    long resident = 0;
    statm >> size >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

inline std::size_t process_threads() {
    std::ifstream status("/proc/self/status");
    for (std::string key; status >> key;) {
        if (key == "Threads:") {
            std::size_t threads = 0;
            status >> threads;
            return threads;
        }
    }
    return 0;
}

} // namespace faf_bench
