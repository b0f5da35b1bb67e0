// SPDX-License-Identifier: MIT
#pragma once

#include "../../call_site.hpp"
#include "../../error_report.hpp"
#include "../errors/bounded_text.hpp"
#include "../errors/describe.hpp"
#include "../errors/report.hpp"
#include "../platform/abi.hpp"
#include "../platform/attempt.hpp"
#include "../platform/library_threads.hpp"
#include "../platform/platform.hpp"
#include "../platform/reentry.hpp"
#include "../platform/signal_heir.hpp"
#include "../platform/thread_name.hpp"
#include "../platform/time.hpp"
#include "thread_start.hpp"

#include <exception>
#include <string_view>
#include <system_error>
#include <utility>

namespace faf::inline FIRE_AND_FORGET_ABI::detail {

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool start_thread(thread_body body, void* executor,
                                                       void* record, std::exception_ptr& why,
                                                       std::size_t stack_size) noexcept {
    const inside_library starting;
    signal_heir::instance().watch_this_thread();
    const int error = library_threads::instance().start(body, executor, record, stack_size);
    if (error != 0 && error != library_threads::no_memory) {
        attempt(
            [&] {
                why = std::make_exception_ptr(std::system_error(error, std::generic_category()));
            },
            [&] { why = std::current_exception(); });
    }
    if (error == 0) {
        signal_heir::instance().come_if_needed();
    }
    return error == 0;
}

/// At most 15 characters.
[[gnu::cold]] FIRE_AND_FORGET_ENGINE void name_this_thread(bounded_text<16>& name) noexcept {
    constexpr char end_of_string = '\0';
    name.append({&end_of_string, 1});
    name_this_thread(name.view().data());
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void name_worker_thread(const thread_name& prefix,
                                                             unsigned number) noexcept {
    bounded_text<16> name;
    name.append(prefix);
    name.append("/");
    name.append_number(number % 1000);
    name_this_thread(name);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void name_own_thread(std::string_view task) noexcept {
    constexpr std::size_t most = 15;
    bounded_text<16> name;
    name.append(task.empty() ? "faf/own" : task.substr(0, most));
    name_this_thread(name);
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE void thread_trouble::report(std::string_view remedy,
                                                                 const error_sink* of_pool) const {
    if (!is_real_) {
        return;
    }
    error_report starving = make_report(failure::starvation, where_, {});
    starving.exception = why_;
    report_text text;
    const auto tell = [&](std::string_view why) {
        text.append(why);
        text.append("; ");
        text.append(remedy);
        starving.what = text.view();
        detail::report(starving, nullptr, of_pool);
    };
#if defined(__cpp_exceptions)
    if (why_) {
        attempt([&] { std::rethrow_exception(why_); },
                [&] {
                    const exception_description thrown;
                    starving.type = thrown.type();
                    tell(thrown.what());
                });
        return;
    }
#endif
    tell("no memory to start a thread");
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE bool hiring_pause::is_over() const noexcept {
    return !is_lasting_.load(std::memory_order_relaxed) || steady_clock::now() >= next_try_;
}

[[gnu::cold]] FIRE_AND_FORGET_ENGINE thread_trouble
hiring_pause::begin(const call_site& where, std::exception_ptr why) noexcept {
    next_try_ = steady_clock::now() + std::chrono::milliseconds(10);
    if (is_lasting_.exchange(true, std::memory_order_relaxed)) {
        return {};
    }
    return {where, std::move(why)};
}

} // namespace faf::inline FIRE_AND_FORGET_ABI::detail
