// SPDX-License-Identifier: MIT
#pragma once

// Sandboxes for children: the system refuses a system call, or tells of it. Linux only.

#include <array>
#include <cstddef>
#include <cstdint>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faf_test {

/// The architecture whose numbers SYS_* are; 0 where no filter was written.
#if defined(__x86_64__)
inline constexpr std::uint32_t audited_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
inline constexpr std::uint32_t audited_architecture = AUDIT_ARCH_AARCH64;
#else
inline constexpr std::uint32_t audited_architecture = 0;
#endif

enum class filtered { this_thread, all_threads };

/// From now on and for good the calls of `listed` get the answer `for_listed` and all others
/// `for_others` (SECCOMP_RET_*); false if that is not to be had.
template <std::size_t Count>
bool filter_system_calls(const std::array<long, Count>& listed, std::uint32_t for_listed,
                         std::uint32_t for_others, filtered which) {
    constexpr auto load_field = static_cast<std::uint16_t>(BPF_LD | BPF_W | BPF_ABS);
    constexpr auto jump_if_equal = static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K);
    constexpr auto answer = static_cast<std::uint16_t>(BPF_RET | BPF_K);

    std::array<sock_filter, 6 + Count> program{};
    std::size_t end = 0;
    const auto add = [&](std::uint16_t code, std::uint32_t value, std::size_t skip_if_equal,
                         std::size_t skip_if_not) {
        program[end++] = {code, static_cast<std::uint8_t>(skip_if_equal),
                          static_cast<std::uint8_t>(skip_if_not), value};
    };
    add(load_field, offsetof(seccomp_data, arch), 0, 0);
    add(jump_if_equal, audited_architecture, 1, 0);
    add(answer, SECCOMP_RET_ALLOW, 0, 0); // its numbers mean something else
    add(load_field, offsetof(seccomp_data, nr), 0, 0);
    for (std::size_t i = 0; i < Count; ++i) {
        add(jump_if_equal, static_cast<std::uint32_t>(listed[i]), Count - i, 0);
    }
    add(answer, for_others, 0, 0);
    add(answer, for_listed, 0, 0);

    const sock_fprog whole{static_cast<unsigned short>(end), program.data()};
    const long flags = which == filtered::all_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0;
    return audited_architecture != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &whole) == 0;
}

} // namespace faf_test
