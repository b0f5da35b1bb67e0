// SPDX-License-Identifier: MIT
#pragma once

#include "../../error_report.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/reentry.hpp"
#include "../platform/scope_guard.hpp"
#include "../platform/time.hpp"
#include "thread_hooks.hpp"

#include <mutex>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void thread_hooks::give_up(steady_time deadline) noexcept {
    const inside_library waiting;
    std::unique_lock lock(quiet_.mutex());
    are_given_up_ = true;
    for (slices wait; running_ > 0 && steady_clock::now() < deadline;) {
        quiet_.wait(wait, lock, deadline);
    }
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void thread_hooks::run(const thread_hook& hook, literal name,
                                                            const worker_info& whose) {
    if (!begin()) {
        return;
    }
    const scope_guard at_the_end([&] { end(); });
    attempt([&] { hook(whose); },
            [&] {
                const exception_description thrown;
                error_report about = make_report(failure::hook_failed, {}, name);
                thrown.add_to(about);
                report(about, nullptr, sink_lending::loan(sinks_).sink());
            });
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool thread_hooks::begin() noexcept {
    const library_lock lock(quiet_.mutex());
    running_ += are_given_up_ ? 0 : 1;
    return !are_given_up_;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void thread_hooks::end() noexcept {
    owner_.end_if_forked();
    const library_lock lock(quiet_.mutex());
    --running_;
    quiet_.notify();
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
