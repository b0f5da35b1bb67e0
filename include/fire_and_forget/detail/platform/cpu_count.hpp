// SPDX-License-Identifier: MIT
#pragma once

// How many processors this process may use, which in a container is not how many the machine has.
// workforce.ipp sizes pools by it.

#include "abi.hpp"
#include "platform.hpp"

#include <atomic>
#include <cstddef>
#include <cstring>

#if defined(__linux__)
#include <fcntl.h>
#include <sched.h>
#endif

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

/// Whole processors that a CPU bandwidth limit of `quota` per `period` is worth: at least 1, or 0
/// for "no limit".
constexpr unsigned cpus_of_quota(long long quota, long long period) noexcept {
    if (quota <= 0 || period <= 0) {
        return 0;
    }
    return static_cast<unsigned>(quota / period + (quota % period != 0 ? 1 : 0));
}

/// The smaller of two limits of which 0 means none.
constexpr unsigned tighter(unsigned a, unsigned b) noexcept {
    return a == 0 || (b != 0 && b < a) ? b : a;
}

#if defined(__linux__)

/// A path or the text of a small file, in place: this runs where a failed allocation must not hurt.
template <std::size_t Size>
struct small_text {
    char text[Size] = {};
    std::size_t size = 0;

    bool append(const char* part, std::size_t length) noexcept {
        if (size + length + 1 > Size) {
            return false;
        }
        std::memcpy(text + size, part, length);
        size += length;
        text[size] = '\0';
        return true;
    }
    bool append(const char* part) noexcept { return append(part, std::strlen(part)); }

    bool read_file(const char* path) noexcept {
        const cancellation_deferred whole;
        const int file = ::open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            return false;
        }
        size = 0;
        ssize_t got = 0;
        while (size + 1 < Size && (got = ::read(file, text + size, Size - 1 - size)) > 0) {
            size += static_cast<std::size_t>(got);
        }
        ::close(file);
        text[size] = '\0';
        return got >= 0;
    }
};

/// The CPU limit of one control group, from its cgroup v2 or v1 files; 0 if it sets none.
unsigned cgroup_limit_at(const char* directory) noexcept;

/// The tightest limit on the way from `group` ("/a/b") up to the root mounted at `mount`.
unsigned cgroup_limit_upwards(const char* mount, const char* group,
                              std::size_t group_size) noexcept;

/// The CPU limit of the control groups this process is in; 0 if there is none. The files are looked
/// for below `root`, so that a test can show it a made-up container.
unsigned cgroup_cpu_limit(const char* root = "") noexcept;

/// Processors in the affinity mask of the process, that is of its main thread; 0 if it can't be
/// told.
unsigned affinity_cpus() noexcept;

#endif

/// Processors this process may keep busy: what the affinity mask and the control groups (v1 and v2)
/// leave of the machine, and at least 1.
unsigned usable_cpus() noexcept;

/// As many as there were when that was asked first; 0 until then.
inline constinit std::atomic<unsigned> known_cpus{0};

/// Whether there was only one when this was asked first.
bool has_one_cpu() noexcept;

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
