// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "cpu_count.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

#if defined(__linux__)

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned cgroup_limit_at(const char* directory) noexcept {
    small_text<512> path;
    small_text<64> text;
    if (path.append(directory) && path.append("/cpu.max") && text.read_file(path.text)) {
        char* end = text.text;
        const long long quota = std::strtoll(text.text, &end, 10); // "max 100000" reads as 0
        return cpus_of_quota(quota, std::strtoll(end, nullptr, 10));
    }
    small_text<512> quota_path;
    small_text<512> period_path;
    small_text<64> period;
    if (quota_path.append(directory) && quota_path.append("/cpu.cfs_quota_us") &&
        period_path.append(directory) && period_path.append("/cpu.cfs_period_us") &&
        text.read_file(quota_path.text) && period.read_file(period_path.text)) {
        return cpus_of_quota(std::strtoll(text.text, nullptr, 10),
                             std::strtoll(period.text, nullptr, 10));
    }
    return 0;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned
cgroup_limit_upwards(const char* mount, const char* group, std::size_t group_size) noexcept {
    unsigned limit = 0;
    for (;;) {
        small_text<448> directory;
        if (directory.append(mount) && directory.append(group, group_size)) {
            limit = tighter(limit, cgroup_limit_at(directory.text));
        }
        if (group_size == 0) {
            return limit;
        }
        while (group_size > 0 && group[--group_size] != '/') {
        }
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned cgroup_cpu_limit(const char* root) noexcept {
    small_text<512> list_path;
    small_text<4096> list;
    if (!list_path.append(root) || !list_path.append("/proc/self/cgroup") ||
        !list.read_file(list_path.text)) {
        return 0;
    }
    unsigned limit = 0;
    for (const char* line = list.text; *line != '\0';) {
        const char* end = std::strchr(line, '\n');
        end = end != nullptr ? end : list.text + list.size;
        // "hierarchy:controllers:/group"; version 2 has the hierarchy 0 and no controllers.
        const char* controllers = std::strchr(line, ':');
        const char* group = controllers != nullptr ? std::strchr(controllers + 1, ':') : nullptr;
        if (group != nullptr && group < end) {
            ++controllers;
            const auto names = static_cast<std::size_t>(group - controllers);
            const bool is_v2 = names == 0;
            const bool is_v1_cpu =
                (names == 3 && std::memcmp(controllers, "cpu", 3) == 0) ||
                (names == 11 && (std::memcmp(controllers, "cpu,cpuacct", 11) == 0 ||
                                 std::memcmp(controllers, "cpuacct,cpu", 11) == 0));
            if (is_v2 || is_v1_cpu) {
                small_text<64> mount;
                mount.append(root);
                mount.append(is_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu");
                const auto size = static_cast<std::size_t>(end - group) - 1;
                limit = tighter(limit, cgroup_limit_upwards(mount.text, group + 1, size));
            }
        }
        line = *end == '\0' ? end : end + 1;
    }
    return limit;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned affinity_cpus() noexcept {
    // The kernel may know more processors than a cpu_set_t has room for: then ask for more.
    for (std::size_t cpus = CPU_SETSIZE; cpus <= std::size_t{64} * CPU_SETSIZE; cpus *= 2) {
        cpu_set_t* set = CPU_ALLOC(cpus);
        if (set == nullptr) {
            return 0;
        }
        const std::size_t bytes = CPU_ALLOC_SIZE(cpus);
        const bool known = sched_getaffinity(getpid(), bytes, set) == 0;
        const int count = known ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (known) {
            return static_cast<unsigned>(count);
        }
    }
    return 0;
}

#endif

[[gnu::cold]] FIRE_AND_FORGET_ENGINE unsigned usable_cpus() noexcept {
    unsigned cpus = 0;
#if defined(__linux__)
    cpus = tighter(affinity_cpus(), cgroup_cpu_limit());
#endif
    if (cpus == 0) {
        cpus = std::thread::hardware_concurrency();
    }
    return cpus == 0 ? 1 : cpus;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool has_one_cpu() noexcept {
    if (known_cpus.load(std::memory_order_relaxed) == 0) {
        known_cpus.store(usable_cpus(), std::memory_order_relaxed);
    }
    return known_cpus.load(std::memory_order_relaxed) == 1;
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
