// SPDX-License-Identifier: MIT
#pragma once

// Where a program fires tasks that are to outlive it.

#include "pipeline.hpp"
#include "stream.hpp"

#include <fire_and_forget/fire_and_forget.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace durable {

struct outbox_settings {
    address redis{};
    stream_names names{};
    std::size_t max_waiting = 100'000;   ///< tasks that may wait for Redis; more are refused
    std::size_t max_bytes = 256U << 20U; ///< and what they may take together
    std::size_t max_payload = 1U << 20U; ///< larger ones are refused
    delays again{milliseconds(10), milliseconds(2'000)};
    faf::error_sink on_error{}; ///< hears of refusals, outages and losses
};

/// Hands tasks to Redis, from where a worker takes them, in whatever process on whatever machine.
///
///     durable::outbox durable;
///     durable.fire("resize", bytes);
///
/// What was accepted is kept until Redis has it, as long as this process lives: also while Redis is
/// away, out of memory or restarted. It may reach Redis twice; see `key`. What would be too much to
/// keep is refused, counted and reported with the place of the call.
///
/// Order: none is promised, for tasks are tried again.
/// Thread safety: all members may be called by any thread; the destructor by one.
/// Lifetime: the destructor gives Redis five more seconds; what is left is reported.
class outbox {
public:
    explicit outbox(outbox_settings wanted = {})
        : stream_(wanted.names.stream), max_payload_(wanted.max_payload),
          key_prefix_(random_prefix()), pipeline_({.redis = wanted.redis,
                                                   .name = "outbox",
                                                   .max_waiting = wanted.max_waiting,
                                                   .max_bytes = wanted.max_bytes,
                                                   .again = wanted.again,
                                                   .on_error = std::move(wanted.on_error)}) {}

    /// Returns at once, whatever Redis does, and answers whether the task was accepted.
    ///
    /// name: which of the worker's handlers is to run; not empty. payload: any bytes. Both are
    /// copied. key: by which a handler can tell that it has done this task before, such as the
    /// number of the order that it is about; if there is none, one is made up.
    faf::submission fire(std::string_view name, std::string_view payload = {},
                         std::string_view key = {},
                         faf::call_site where = faf::call_site::current()) noexcept {
        if (name.empty() || name.size() + key.size() > 1'000 || payload.size() > max_payload_) {
            return pipeline_.refuse(faf::refusal::invalid_options, where);
        }
        try {
            return pipeline_.add(
                {.what = append_task(stream_, name, payload, key.empty() ? fresh_key() : key,
                                     describe(where)),
                 .where = where});
        } catch (const std::exception&) { // there is no memory for the copy
            return pipeline_.refuse(faf::refusal::out_of_memory, where);
        }
    }

    /// Waits until Redis has taken everything, for `timeout` at most; true if it has.
    bool drain(faf::time_span timeout = faf::forever) { return pipeline_.drain(timeout); }

    /// Does as drain(), refuses what comes from then on, and reports what is left, task by task.
    /// True if nothing was left.
    bool close(faf::time_span timeout) { return pipeline_.close(timeout); }

    std::uint64_t accepted() const { return pipeline_.accepted(); }
    std::uint64_t refused() const { return pipeline_.refused(); }
    std::uint64_t sent() const { return pipeline_.arrived(); } ///< Redis has said that it has them
    std::uint64_t lost() const { return pipeline_.lost(); }    ///< left when it was closed
    std::uint64_t outages() const { return pipeline_.outages(); }

private:
    static std::string random_prefix() {
        std::random_device chance;
        return std::to_string((std::uint64_t{chance()} << 32U) | chance()) + '-';
    }

    std::string fresh_key() { return key_prefix_ + std::to_string(++keys_); }

    static std::string describe(const faf::call_site& where) {
        const std::string_view file = where.file_name();
        return std::string(file.substr(file.rfind('/') + 1)) + ':' + std::to_string(where.line()) +
               " in " + where.function_name();
    }

    const std::string stream_;
    const std::size_t max_payload_;
    const std::string key_prefix_; ///< of this outbox alone
    std::atomic<std::uint64_t> keys_ = 0;
    pipeline pipeline_;
};

} // namespace durable
