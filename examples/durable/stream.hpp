// SPDX-License-Identifier: MIT
#pragma once

// What there is in Redis, and the commands that make it so: a stream of tasks, the group of its
// workers with what each has claimed, and a stream of dead letters.

#include "redis_link.hpp"

#include <charconv>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace durable {

/// What the keys are called.
struct stream_names {
    std::string stream = "tasks";
    std::string group = "workers";

    std::string dead() const { return stream + ":dead"; }
};

/// One task as it stands in the stream.
struct task {
    std::string id;      ///< given by Redis: the milliseconds of its time, and a number
    std::string name;    ///< says which handler is to run
    std::string payload; ///< any bytes
    std::string key;     ///< the same each time it is delivered, and of no other task
    std::string from;    ///< where it was fired: "shop.cpp:19 in main"
    unsigned tries = 1;  ///< which try this is
};

/// A number in Redis' replies; 0 if it is none.
inline unsigned number_in(const redisReply& from) {
    unsigned found = 0;
    if (from.type == REDIS_REPLY_INTEGER) {
        return static_cast<unsigned>(from.integer);
    }
    const std::string_view text = text_of(from);
    std::from_chars(text.data(), text.data() + text.size(), found);
    return found;
}

/// The value behind `name` in a reply that has names and values in turn; null if there is none.
inline const redisReply* field_of(const redisReply& from, std::string_view name) {
    const auto all = elements_of(from);
    for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
        if (text_of(*all[i]) == name) {
            return all[i + 1];
        }
    }
    return nullptr;
}

/// Appends a task.
inline command append_task(std::string_view stream, std::string_view name, std::string_view payload,
                           std::string_view key, std::string_view from) {
    return {"XADD", stream, "*", "name", name, "payload", payload, "key", key, "from", from};
}

// What takes two steps is a script, so that both are done or none: a transaction would be refused
// when Redis is short of memory, where to settle tasks is what helps.

/// A task that was run is neither claimed nor in the stream any more.
inline command settle_task(const stream_names& names, std::string_view id) {
    return {"EVAL",
            "redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) redis.call('XDEL', KEYS[1], ARGV[2])",
            "1",
            names.stream,
            names.group,
            id};
}

/// The same, and a dead letter instead.
inline command bury_task(const stream_names& names, const task& one, std::string_view error,
                         std::string_view worker) {
    return {"EVAL",
            "redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3)) "
            "redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) redis.call('XDEL', KEYS[1], ARGV[2])",
            "2",
            names.stream,
            names.dead(),
            names.group,
            one.id,
            "name",
            one.name,
            "payload",
            one.payload,
            "key",
            one.key,
            "from",
            one.from,
            "error",
            error,
            "tries",
            std::to_string(one.tries),
            "worker",
            worker};
}

/// Whoever of the group has claimed the tasks, they are `worker`'s, as of `idle_ms` ago. No other
/// may take them over until that is long ago. A task that has been settled is not claimed.
inline command claim_tasks(const stream_names& names, std::string_view worker,
                           std::span<const std::string> ids, std::string_view idle_ms,
                           std::string_view tries = {}) {
    std::vector<std::string_view> words{"XCLAIM", names.stream, names.group, worker, "0"};
    words.insert(words.end(), ids.begin(), ids.end());
    words.insert(words.end(), {"IDLE", idle_ms});
    if (!tries.empty()) {
        words.insert(words.end(), {"RETRYCOUNT", tries});
    }
    words.emplace_back("JUSTID"); // else that would count as one more try
    return command(words);
}

/// A task out of [id, [name, value, ...]]; nothing if it has been deleted meanwhile.
inline std::optional<task> task_in(const redisReply& entry) {
    const auto parts = elements_of(entry);
    if (parts.size() != 2 || parts[1]->type != REDIS_REPLY_ARRAY) {
        return std::nullopt;
    }
    task found;
    found.id = text_of(*parts[0]);
    for (const auto& [name, value] :
         {std::pair("name", &found.name), std::pair("payload", &found.payload),
          std::pair("key", &found.key), std::pair("from", &found.from)}) {
        if (const redisReply* text = field_of(*parts[1], name)) {
            *value = text_of(*text);
        }
    }
    return found;
}

inline void append_tasks_in(const redisReply& entries, std::vector<task>& to) {
    for (const redisReply* entry : elements_of(entries)) {
        if (auto found = task_in(*entry)) {
            to.push_back(std::move(*found));
        }
    }
}

/// Makes the group, and the stream if need be. The group begins with the first task of the stream,
/// for tasks may have been fired before there was a worker.
inline void make_group(redis_link& redis, const stream_names& names) {
    try {
        redis.ask({"XGROUP", "CREATE", names.stream, names.group, "0", "MKSTREAM"});
    } catch (const refused_by_redis& refused) {
        if (!refused.is("BUSYGROUP")) { // there is one
            throw;
        }
    }
}

/// Claims up to `most` tasks that nobody has claimed, and waits for one for a while.
inline std::vector<task> read_new(redis_link& redis, const stream_names& names,
                                  std::string_view worker, std::size_t most,
                                  std::string_view block_ms) {
    const reply answer =
        redis.ask({"XREADGROUP", "GROUP", names.group, worker, "COUNT", std::to_string(most),
                   "BLOCK", block_ms, "STREAMS", names.stream, ">"});
    std::vector<task> found;
    for (const redisReply* stream : elements_of(*answer)) { // [[name, entries]], or null
        if (elements_of(*stream).size() == 2) {
            append_tasks_in(*elements_of(*stream)[1], found);
        }
    }
    return found;
}

/// Claims up to `most` tasks whose claims have not been renewed for so long: their worker is dead.
inline std::vector<task> take_over(redis_link& redis, const stream_names& names,
                                   std::string_view worker, std::size_t most,
                                   std::string_view idle_ms, std::string& cursor) {
    const reply answer =
        redis.ask({"XAUTOCLAIM", names.stream, names.group, worker, idle_ms, cursor, "COUNT",
                   std::to_string(most)}); // [cursor, entries, ids of those that were deleted]
    std::vector<task> found;
    const auto parts = elements_of(*answer);
    if (parts.size() < 2) {
        throw connection_lost("Redis does not answer XAUTOCLAIM as it should");
    }
    cursor = text_of(*parts[0]);
    append_tasks_in(*parts[1], found);
    for (task& each : found) {
        redis.send({"XPENDING", names.stream, names.group, each.id, each.id, "1"});
    }
    std::vector<task> claimed;
    for (task& each : found) { // [[id, worker, idle, tries]], or [] if it is settled by now
        const reply pending = redis.receive();
        const auto rows = elements_of(*pending);
        if (rows.size() == 1 && elements_of(*rows[0]).size() == 4) {
            each.tries = number_in(*elements_of(*rows[0])[3]);
            claimed.push_back(std::move(each));
        }
    }
    return claimed;
}

/// Has the group forget workers that have claimed nothing and not been heard of for so long.
inline void forget_workers(redis_link& redis, const stream_names& names, std::string_view idle_ms) {
    constexpr std::string_view script = // in Redis, so that none of them can claim in between
        "for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do "
        "if c[4] == 0 and c[6] >= tonumber(ARGV[2]) then "
        "redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], c[2]) end end";
    redis.ask({"EVAL", script, "1", names.stream, names.group, idle_ms});
}

} // namespace durable
