// SPDX-License-Identifier: MIT
#pragma once

// What the example's workers can do. Tasks come at least once: what may be done twice is simple,
// what may not needs the key.

#include "redis_link.hpp"
#include "worker.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace durable {

inline long long number_from(const std::string& payload) {
    long long value = 0;
    const auto [end, error] =
        std::from_chars(payload.data(), payload.data() + payload.size(), value);
    if (error != std::errc() || end != payload.data() + payload.size()) {
        throw std::runtime_error("the payload is not a number: " + payload);
    }
    return value;
}

/// Adds an amount to an account once, however often its task comes: the key and what was done go
/// into the database together, or neither does. In SQL that is a transaction with an
/// `insert into done(key)` whose column is unique; here the account is in Redis, so it is a script.
/// (In earnest, one would forget the keys after some weeks.)
class deposits {
public:
    explicit deposits(address redis) : redis_(std::move(redis)) {}

    void operator()(const task& one) const {
        constexpr std::string_view script = "if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then "
                                            "return redis.call('INCRBY', KEYS[1], ARGV[2]) end";
        const std::string amount = std::to_string(number_from(one.payload));
        // One link for each thread. If it fails, so does this try, and the next one has a new link.
        thread_local std::optional<redis_link> link;
        if (!link) {
            link.emplace(redis_);
        }
        try {
            link->ask({"EVAL", script, "2", "account", "account:done", one.key, amount});
        } catch (const connection_lost&) {
            link.reset();
            throw;
        }
    }

private:
    address redis_;
};

inline void add_example_handlers(worker& to, const address& redis) {
    to.on("print", [](const task& one) { // twice is a nuisance, no more
        std::printf("%s\n", one.payload.c_str());
        std::fflush(stdout);
    });
    to.on("sleep", [](const task& one) { // as long as it takes: its claim is renewed
        std::this_thread::sleep_for(milliseconds(number_from(one.payload)));
    });
    to.on("deposit", deposits(redis));
}

} // namespace durable
