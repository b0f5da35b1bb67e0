// SPDX-License-Identifier: MIT
#pragma once

// One connection to Redis. hiredis does the work; here its answers become owned, and its faults
// exceptions. What is said over it is in stream.hpp.

#include <hiredis/hiredis.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sys/time.h>

namespace durable {

/// There is no connection, or it has ended: what had no reply yet may have been done or not.
struct connection_lost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Redis has answered with an error: "OOM command not allowed ...".
struct refused_by_redis : std::runtime_error {
    using std::runtime_error::runtime_error;

    bool is(std::string_view code) const {
        return std::string_view(what()).substr(0, code.size()) == code;
    }

    /// True if it is a person who has to mend that. Everything else passes: Redis loads its data,
    /// is short of memory, has too many clients.
    bool is_lasting() const {
        return is("WRONGTYPE") || is("NOAUTH") || is("WRONGPASS") || is("NOPERM") ||
               is("ERR unknown command");
    }
};

/// Where Redis is: HOST:PORT, or the path of its socket.
struct address {
    std::string host = "127.0.0.1"; ///< a path if port is 0
    int port = 6379;

    /// Throws std::invalid_argument, with words for the user.
    static address parse(const std::string& text) {
        if (text.find('/') != text.npos) {
            return {text, 0};
        }
        const std::size_t colon = text.rfind(':');
        const std::string digits = colon != text.npos ? text.substr(colon + 1) : "";
        const bool is_number = !digits.empty() && digits.size() <= 5 &&
                               digits.find_first_not_of("0123456789") == digits.npos;
        const int port = is_number ? std::stoi(digits) : 0;
        if (colon == 0 || port < 1 || port > 65'535) {
            throw std::invalid_argument(
                "Redis is at HOST:PORT, or at a path with a slash, not at " + text);
        }
        return {text.substr(0, colon), port};
    }
};

/// A command in the form in which it goes to Redis.
class command {
public:
    explicit command(std::span<const std::string_view> words) {
        std::size_t size = 16;
        for (const std::string_view word : words) {
            size += word.size() + 16;
        }
        text_.reserve(size);
        text_ += '*';
        text_ += std::to_string(words.size());
        text_ += "\r\n";
        for (const std::string_view word : words) {
            text_ += '$';
            text_ += std::to_string(word.size());
            text_ += "\r\n";
            text_ += word;
            text_ += "\r\n";
        }
    }
    command(std::initializer_list<std::string_view> words)
        : command(std::span(words.begin(), words.size())) {}

    const std::string& text() const { return text_; }

private:
    std::string text_;
};

struct free_reply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using reply = std::unique_ptr<redisReply, free_reply>;

inline std::string_view text_of(const redisReply& from) {
    return from.str != nullptr ? std::string_view(from.str, from.len) : std::string_view();
}

inline std::span<redisReply* const> elements_of(const redisReply& from) {
    return from.type == REDIS_REPLY_ARRAY ? std::span(from.element, from.elements)
                                          : std::span<redisReply*>();
}

/// A connection. All members but the destructor throw connection_lost; then it is of no use any
/// more. One thread at a time may use it.
class redis_link {
public:
    /// Connects, and logs in with the password in REDISCLI_AUTH if there is one, as redis-cli does.
    /// patience: how long Redis may take for an answer.
    /// Throws: refused_by_redis, too.
    explicit redis_link(const address& where,
                        std::chrono::seconds patience = std::chrono::seconds(5)) {
        const timeval limit{static_cast<time_t>(patience.count()), 0};
        context_.reset(where.port == 0
                           ? redisConnectUnixWithTimeout(where.host.c_str(), limit)
                           : redisConnectWithTimeout(where.host.c_str(), where.port, limit));
        if (!context_) {
            throw std::bad_alloc();
        }
        check(context_->err == 0 ? redisSetTimeout(context_.get(), limit) : REDIS_ERR);
        if (const char* password = std::getenv("REDISCLI_AUTH")) {
            ask({"AUTH", password});
        }
    }

    /// Puts a command behind what is to be sent; the next receive() sends it.
    void send(const command& one) {
        check(redisAppendFormattedCommand(context_.get(), one.text().data(), one.text().size()));
    }

    /// The next reply, an error or not.
    reply receive() {
        void* got = nullptr;
        check(redisGetReply(context_.get(), &got));
        return reply(static_cast<redisReply*>(got));
    }

    /// Sends one command, and waits for its reply.
    /// Throws: refused_by_redis if that is an error.
    reply ask(const command& one) {
        send(one);
        reply answer = receive();
        if (answer->type == REDIS_REPLY_ERROR) {
            throw refused_by_redis(std::string(text_of(*answer)));
        }
        return answer;
    }

private:
    struct free_context {
        void operator()(redisContext* context) const { redisFree(context); }
    };

    void check(int answer) const {
        if (answer != REDIS_OK) {
            throw connection_lost("no connection to Redis: " + std::string(context_->errstr));
        }
    }

    std::unique_ptr<redisContext, free_context> context_;
};

/// hiredis writes to a connection that Redis has closed as to a pipe, which would end the program.
/// The library's threads are safe from that; a program that uses a link elsewhere says this first.
inline void survive_closed_connections() {
    std::signal(SIGPIPE, SIG_IGN);
}

} // namespace durable
